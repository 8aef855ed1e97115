// SPDX-License-Identifier: PostgreSQL
// Between Beast's messages and ours.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "worker/http/framing.hpp"
#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

using BeastResponse = boost::beast::http::response<boost::beast::http::string_body>;

// From a head without its body, so that no trailer passes for a header. Nothing if the target is
// neither in origin form nor in absolute form (RFC 9112, section 3.2), or names another host than
// the Host header does.
std::optional<Request> to_request(const BeastRequest& head);

// Responses that never have a body (RFC 9110, section 6.4.1) have no length either.
bool has_body(int status);

struct Reply {
  unsigned version = 11;
  bool is_kept_alive = false;
  bool is_for_head = false;
  std::string request_id;
  std::vector<Header> headers;  // beside those of the response
};
// Without a length, if the response is a stream. Leaves its stream and file where they are.
BeastResponse to_beast(Response&& response, const Reply& reply);

}  // namespace lakehouse::worker::http
