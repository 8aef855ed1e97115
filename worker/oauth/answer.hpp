// SPDX-License-Identifier: PostgreSQL
// Answers of the authorization server: errors in JSON (RFC 6749, section 5.2) and redirects back to
// the client (section 4.1.2). None may be stored, none gives away where the user was.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/http/form.hpp"
#include "worker/http/message.hpp"
#include "worker/oauth/issuer.hpp"

namespace lakehouse::worker::oauth {

// Any JSON text, not to be stored.
http::Response json_answer(int status, std::string body);

http::Response json_error(int status, std::string_view error, std::string_view description);
http::Response unavailable();                                  // the database can't be asked
http::Response too_many_attempts(std::int64_t retry_seconds);  // 429

// 303, so that no browser repeats what it posted (RFC 9700, section 4.12).
http::Response see_other(std::string location);

// Back to the client, with `state` as it came and `iss` (RFC 9207).
struct Return {
  std::string redirect_uri;
  std::optional<std::string> state;
};
http::Response return_to(const Return& where, const Issuer& issuer, http::Form parameters);
http::Response return_error(const Return& where, const Issuer& issuer, std::string_view error,
                            std::string_view description);

}  // namespace lakehouse::worker::oauth
