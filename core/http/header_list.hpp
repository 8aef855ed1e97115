// SPDX-License-Identifier: PostgreSQL
// The header lines of a request as curl wants them. Wiped when they die, since one may hold a
// token.
#pragma once

#include <curl/curl.h>

#include <memory>

#include "core/base/result.hpp"
#include "core/http/client.hpp"

namespace lakehouse::http {

// kInvalidArgument if a header's name or value, or a credential, can't stand in a request, or if
// the header belongs to the transport (host, content-length …).
Status check_headers(const Request& request);

class HeaderList {
 public:
  // The request's headers and credentials; `request` has passed check_headers().
  explicit HeaderList(const Request& request);
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  curl_slist* get() const noexcept { return lines_.get(); }

 private:
  struct Wipe {
    void operator()(curl_slist* lines) const noexcept;
  };

  void add(const char* line);
  void add_secret(std::string_view before, std::string_view secret);

  std::unique_ptr<curl_slist, Wipe> lines_;
};

}  // namespace lakehouse::http
