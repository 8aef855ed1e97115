// SPDX-License-Identifier: PostgreSQL
// BaseUrl: a URL with a path, under which clients reach a part of this installation, as
// lakehouse.delta_sharing_base_url. One host for all tenants.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "worker/config/public_url.hpp"

namespace lakehouse::worker::config {

class BaseUrl {
 public:
  // "https://crm.example.com/delta-sharing": no query, no fragment, nothing that needs an escape.
  // Errors: kInvalidArgument, naming the setting; plain http is for loopback hosts only.
  static Result<BaseUrl> parse(std::string_view setting, std::string_view text);

  const PublicUrl& host() const noexcept { return host_; }
  // As clients write it, without a slash at its end.
  const std::string& text() const noexcept { return text_; }
  // The path alone: empty, or with a slash at its begin and none at its end.
  const std::string& path() const noexcept { return path_; }

 private:
  PublicUrl host_;
  std::string path_, text_;
};

}  // namespace lakehouse::worker::config
