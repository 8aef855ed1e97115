// SPDX-License-Identifier: PostgreSQL
// The parameters that clients send to the endpoints: what each of them must look like, before
// anybody asks who sent them.
#pragma once

#include <string_view>

#include "worker/http/form.hpp"
#include "worker/oauth/issuer.hpp"

namespace lakehouse::worker::oauth {

bool is_repeated(const http::Form& form, std::string_view name);
// RFC 6749, section 3.1; RFC 8707 alone lets `resource` come several times.
bool has_repeated(const http::Form& form);

// Every `resource` must be ours; they all name the same one then.
bool names_only_ours(const http::Form& form, const Issuer& issuer);

// What an error redirect says: `error` is empty if the request is sound.
struct Verdict {
  std::string_view error, description;
};
// Of a request to /oauth/authorize, but for its client, its redirect URI and its scopes.
Verdict judge_authorization(const http::Form& form, const Issuer& issuer);

}  // namespace lakehouse::worker::oauth
