// SPDX-License-Identifier: PostgreSQL
// Splits at the first slash behind the host; PublicUrl judges what stands before it.
#include "worker/config/base_url.hpp"

#include <algorithm>

namespace lakehouse::worker::config {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~' || c == '/';
}

Error bad_path(std::string_view setting, std::string_view text) {
  return {
      ErrorCode::kInvalidArgument,
      "invalid value for parameter \"" + std::string(setting) + "\": \"" + std::string(text) + "\"",
      "Its path has letters, digits and -._~ between single slashes, and its host no tenant.",
      "Write for example https://crm.example.com/delta-sharing."};
}

}  // namespace

Result<BaseUrl> BaseUrl::parse(std::string_view setting, std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::size_t slash = scheme == std::string_view::npos ? scheme : text.find('/', scheme + 3);
  auto host = PublicUrl::parse(text.substr(0, slash), setting);
  if (!host) return host.error();
  BaseUrl url;
  url.host_ = *std::move(host);
  if (slash != std::string_view::npos) url.path_ = text.substr(slash);
  while (url.path_.ends_with('/')) url.path_.pop_back();
  const bool is_sound = std::ranges::all_of(url.path_, is_plain) &&
                        url.path_.find("//") == std::string::npos &&
                        url.path_.find("/.") == std::string::npos;
  if (!is_sound || url.host_.has_tenant_hosts()) return bad_path(setting, text);
  url.text_ = url.host_.origin() + url.path_;
  return url;
}

}  // namespace lakehouse::worker::config
