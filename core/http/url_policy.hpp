// SPDX-License-Identifier: PostgreSQL
// Where requests may go (protection against server-side request forgery): https to public
// addresses, and what the operator listed. Checked twice: the URL before the request, and each
// resolved address when the socket is opened, so that a name that changes its address gains
// nothing.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/http/url.hpp"

namespace lakehouse::http {

class UrlPolicy {
 public:
  // Entries "host" or "host:port"; an IPv6 address with a port stands in brackets.
  // Error: kInvalidArgument for anything else.
  static Result<UrlPolicy> create(const std::vector<std::string>& allowed_private_hosts);

  // kInvalidArgument if the URL is plain http and its host is not listed.
  Status check(const Url& url) const;

  // May a socket to this address be opened for this URL?
  bool allows(const Url& url, const sockaddr& address) const noexcept;

 private:
  struct Entry {
    std::string host;
    std::uint16_t port = 0;  // 0: any
  };

  bool lists(const Url& url) const noexcept;

  std::vector<Entry> entries_;
};

}  // namespace lakehouse::http
