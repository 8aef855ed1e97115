// SPDX-License-Identifier: PostgreSQL
// /oauth/revoke (RFC 7009). Answers alike whether or not there was such a token.
#include "worker/oauth/answer.hpp"
#include "worker/oauth/server.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::oauth {

http::Response Server::revoke(const http::Request& request, const Context& context) {
  const auto form = http::read_form(request);
  if (!form || !form->repeated().empty()) {
    return json_error(400, "invalid_request", "the body is no form with each parameter once");
  }
  const auto client = authenticate(request, *form, context);
  if (const auto* refused = std::get_if<http::Response>(&client)) return *refused;
  if (form->value("token").empty()) return json_error(400, "invalid_request", "token is missing");
  const Status revoked =
      store_.revoke_token(hash_of(form->value("token")), std::get<Client>(client).id, context);
  if (!revoked) return answer_of(revoked.error(), context);
  return json_answer(200, "");
}

}  // namespace lakehouse::worker::oauth
