// SPDX-License-Identifier: PostgreSQL
// Method, body and headers of the request after a redirect.
#include "core/http/redirect.hpp"

#include <strings.h>

#include <algorithm>
#include <array>

namespace lakehouse::http {
namespace {

constexpr std::array kHarmlessHeaders = {"accept", "accept-language", "content-type", "range"};

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// 301 and 302 turn a POST into a GET too, as every browser does.
bool becomes_get(int status, Method method) {
  if (status == 303) return true;
  return (status == 301 || status == 302) && method == Method::kPost;
}

bool is_harmless(const Header& header) {
  return std::any_of(kHarmlessHeaders.begin(), kHarmlessHeaders.end(), [&header](const char* name) {
    return strcasecmp(name, header.name.c_str()) == 0;
  });
}

void drop_secrets(Request& request) {
  request.bearer.reset();
  request.basic.reset();
  std::erase_if(request.headers, [](const Header& header) { return !is_harmless(header); });
}

void turn_into_get(Request& request) {
  request.method = Method::kGet;
  Secret::wipe(request.body);
  std::erase_if(request.headers, [](const Header& header) {
    return strcasecmp(header.name.c_str(), "content-type") == 0;
  });
}

}  // namespace

Result<std::optional<Url>> follow_redirect(const Response& response, const Url& from,
                                           Request& request) {
  const auto location = response.header("location");
  if (!is_redirect(response.status) || !location) return std::optional<Url>();
  auto target = from.resolve(std::string(*location));
  if (!target) {
    return Error{ErrorCode::kInvalidResponse,
                 "\"" + from.host() + "\" redirects to a malformed URL", target.error().detail, ""};
  }
  const bool is_other_origin = !target->has_origin_of(from);
  const bool is_get_next = becomes_get(response.status, request.method);
  if (is_other_origin && !is_get_next && !request.body.empty()) return std::optional<Url>();
  if (is_get_next) turn_into_get(request);
  if (is_other_origin) drop_secrets(request);
  return std::optional<Url>(std::move(*target));
}

}  // namespace lakehouse::http
