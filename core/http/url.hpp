// SPDX-License-Identifier: PostgreSQL
// An absolute http or https URL. Parsed once, by curl's own parser, and handed to curl in parsed
// form, so that what was checked is what is fetched. Its path and query may be secret (presigned
// links): only the host ever goes into a message.
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/result.hpp"

namespace lakehouse::http {

class Url {
 public:
  // Errors: kInvalidArgument for another scheme, user info, a fragment or a malformed text.
  static Result<Url> parse(const std::string& text);

  // The target of a redirect from here: absolute or relative; a fragment is dropped.
  Result<Url> resolve(const std::string& reference) const;

  const std::string& host() const noexcept { return host_; }  // as canonical_host() gives it
  std::uint16_t port() const noexcept { return port_; }
  bool is_https() const noexcept { return is_https_; }
  bool has_origin_of(const Url& other) const noexcept {
    return is_https_ == other.is_https_ && port_ == other.port_ && host_ == other.host_;
  }
  CURLU* handle() const noexcept { return handle_.get(); }

 private:
  struct Free {
    void operator()(CURLU* handle) const noexcept { curl_url_cleanup(handle); }
  };
  using Handle = std::unique_ptr<CURLU, Free>;

  Url() = default;
  static Result<Url> inspect(Handle handle);

  Handle handle_;
  std::string host_;
  std::uint16_t port_ = 0;
  bool is_https_ = false;
};

// Lower case, without brackets and trailing dot; an IPv6 address in its shortest form.
std::string canonical_host(std::string host);

}  // namespace lakehouse::http
