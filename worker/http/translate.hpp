// SPDX-License-Identifier: PostgreSQL
// Between Beast's messages and ours.
#pragma once

#include <optional>
#include <string>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;
using BeastResponse = boost::beast::http::response<boost::beast::http::string_body>;

// Nothing if the request line or the Host header break RFC 9112 (sections 3.2 and 3.3).
std::optional<Request> to_request(BeastRequest&& received);

struct Reply {
  unsigned version = 11;
  bool is_kept_alive = false;
  bool is_for_head = false;
  std::string request_id;
};
BeastResponse to_beast(Response&& response, const Reply& reply);

}  // namespace lakehouse::worker::http
