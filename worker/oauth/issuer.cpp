// SPDX-License-Identifier: PostgreSQL
// Plain concatenation: clients compare these byte by byte.
#include "worker/oauth/issuer.hpp"

namespace lakehouse::worker::oauth {

bool Issuer::is_resource(std::string_view asked) const {
  if (!asked.starts_with(origin)) return false;
  asked.remove_prefix(origin.size());
  return asked.empty() || asked == "/" || asked == kMcpPath || asked == kOtherMcpPath;
}

std::string Issuer::resource_metadata(std::string_view path) const {
  std::string url = origin + "/.well-known/oauth-protected-resource";
  if (path == kMcpPath || path == kOtherMcpPath) url += path;
  return url;
}

Issuer issuer_of(const config::PublicUrl& url, const http::Request& request) {
  return {url.origin(request.tenant), url.is_https()};
}

}  // namespace lakehouse::worker::oauth
