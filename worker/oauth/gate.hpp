// SPDX-License-Identifier: PostgreSQL
// Gate: lets a request in by its bearer token (RFC 6750), or says exactly what it lacks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/context.hpp"
#include "worker/http/message.hpp"
#include "worker/oauth/identity.hpp"

namespace lakehouse::worker::oauth {

class Gate {
 public:
  virtual ~Gate() = default;

  // The caller, after one token was taken from its client's and its tenant's rate limit; or the
  // answer: 401 with the challenge of RFC 6750 and RFC 9728 (`scope` names `asked`), 429 with
  // Retry-After, 503 when the database can't be asked. A revoked token is refused at once.
  virtual std::variant<Identity, http::Response> admit(const http::Request& request,
                                                       const std::vector<std::string>& asked,
                                                       const Context& context) = 0;

  // 403 insufficient_scope: all scopes that the operation needs.
  virtual http::Response insufficient_scope(const http::Request& request,
                                            const std::vector<std::string>& needed) const = 0;
};

}  // namespace lakehouse::worker::oauth
