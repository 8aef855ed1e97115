// SPDX-License-Identifier: PostgreSQL
// Issuer: the identifiers that clients know this server by. All derive from lakehouse.public_url.
#pragma once

#include <string>
#include <string_view>

#include "worker/config/public_url.hpp"
#include "worker/http/message.hpp"

namespace lakehouse::worker::oauth {

inline constexpr std::string_view kMcpPath = "/mcp";
inline constexpr std::string_view kOtherMcpPath = "/api/mcp";

struct Issuer {
  std::string origin;  // the issuer identifier itself (RFC 8414): it has no path
  bool is_https = false;

  // The one resource that tokens are issued for (RFC 8707).
  std::string resource() const { return origin + std::string(kMcpPath); }
  // What clients may call it: the same, the origin alone (with or without a slash, which for an
  // empty path mean the same), or the other path of the MCP server.
  bool is_resource(std::string_view asked) const;
  // Where the metadata of the resource at this path is (RFC 9728, section 3.1).
  std::string resource_metadata(std::string_view path) const;
};

// Of the host that the request was sent to; the router let no other host in.
Issuer issuer_of(const config::PublicUrl& url, const http::Request& request);

}  // namespace lakehouse::worker::oauth
