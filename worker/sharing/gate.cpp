// SPDX-License-Identifier: PostgreSQL
// A token that is none of ours is refused without asking anybody.
#include "worker/sharing/gate.hpp"

#include "core/base/credential.hpp"
#include "worker/oauth/credentials.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::sharing {

Or<Admission> Gate::admit(const http::Request& request, const Target& target,
                          const Context& context) {
  const oauth::BearerToken presented = oauth::read_bearer(request);
  if (presented.presence == oauth::Presence::kMalformed) {
    return malformed("the bearer token belongs into one Authorization header");
  }
  if (presented.presence == oauth::Presence::kNone) return unauthenticated(false);
  if (!is_credential(presented.token, kRecipientTokenPrefix)) return unauthenticated(true);
  auto admission =
      store_.admit(oauth::hash_of(presented.token), request.client_address, target, context);
  if (!admission) {
    log_.failure("bearer token could not be checked", admission.error(), context.request_id);
    return unavailable();
  }
  const std::string& outcome = admission->outcome;
  if (outcome == "admitted") return *std::move(admission);
  if (outcome == "network") return forbidden("this recipient may not ask from this address");
  if (outcome == "limited") return limited(admission->recipient.wait_ms);
  if (outcome == "no_share") return not_found("there is no such share");
  if (outcome == "no_schema") return not_found("there is no such schema in the share");
  if (outcome == "no_table") return not_found("there is no such table in the schema");
  return unauthenticated(true);
}

}  // namespace lakehouse::worker::sharing
