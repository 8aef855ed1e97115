// SPDX-License-Identifier: PostgreSQL
// RFC 6749, RFC 7636, RFC 8707.
#include "worker/oauth/parameters.hpp"

#include <algorithm>

#include "worker/oauth/pkce.hpp"

namespace lakehouse::worker::oauth {

bool is_repeated(const http::Form& form, std::string_view name) {
  return std::ranges::count(form.fields(), name, &http::Form::Field::name) > 1;
}

bool has_repeated(const http::Form& form) {
  return std::ranges::any_of(form.fields(), [&](const http::Form::Field& field) {
    return field.name != "resource" && is_repeated(form, field.name);
  });
}

bool names_only_ours(const http::Form& form, const Issuer& issuer) {
  return std::ranges::all_of(form.fields(), [&](const http::Form::Field& field) {
    return field.name != "resource" || issuer.is_resource(field.value);
  });
}

Verdict judge_authorization(const http::Form& form, const Issuer& issuer) {
  if (has_repeated(form)) return {"invalid_request", "a parameter stands there twice"};
  if (form.value("response_type").empty()) return {"invalid_request", "response_type is missing"};
  if (form.value("response_type") != "code") {
    return {"unsupported_response_type", "only response_type code is supported"};
  }
  if (form.has("request")) return {"request_not_supported", "request objects are not supported"};
  if (form.has("request_uri")) return {"request_uri_not_supported", "request_uri is not supported"};
  if (form.has("response_mode") && form.value("response_mode") != "query") {
    return {"invalid_request", "only response_mode query is supported"};
  }
  if (!is_challenge(form.value("code_challenge"))) {
    return {"invalid_request", "a code_challenge is needed: 43 characters of base64url (PKCE)"};
  }
  if (form.value("code_challenge_method") != "S256") {
    return {"invalid_request", "code_challenge_method must be S256"};
  }
  if (!names_only_ours(form, issuer)) {
    return {"invalid_target", "resource is not an MCP server of here"};
  }
  return {};
}

}  // namespace lakehouse::worker::oauth
