// SPDX-License-Identifier: PostgreSQL
// SignedUrls: URLs of files that this worker serves itself, and their check. A URL is bound to one
// file, the table and share it was listed by, the token that asked, and a time.
//   <base url>/files/<table id>/<path>?s=<share id>&t=<token>&e=<time>&k=<key>&sp=r&sig=<tag>
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/vault/vault.hpp"
#include "worker/config/base_url.hpp"
#include "worker/http/message.hpp"
#include "worker/sharing/file_urls.hpp"

namespace lakehouse::worker::sharing {

class SignedUrls final : public FileUrls {
 public:
  SignedUrls(config::BaseUrl base, const vault::Vault& vault)
      : base_(std::move(base)), vault_(vault) {}

  Result<std::unique_ptr<UrlWriter>> writer(const SharedTable& table, const Recipient& recipient,
                                            std::chrono::sys_seconds expires_at,
                                            const Context& context) override;
  bool has_credentials(const SharedTable&) const override { return false; }
  Result<std::string> credentials(const SharedTable& table, const Context& context) override;

  // What a URL of ours says. `is_expired`: it was ours, and is too old.
  struct Claim {
    std::string table_id, path, share_id;
    std::int64_t token_id = 0;
    bool is_expired = false;
  };
  // Nothing if it is not exactly as we wrote it. The request's parameters are table id and path.
  std::optional<Claim> verify(const http::Request& request, std::int64_t now) const;

 private:
  const config::BaseUrl base_;
  const vault::Vault& vault_;
};

}  // namespace lakehouse::worker::sharing
