// SPDX-License-Identifier: PostgreSQL
// The list of hosts and the two questions put to it.
#include "core/http/url_policy.hpp"

#include <algorithm>
#include <charconv>

#include "core/http/address.hpp"

namespace lakehouse::http {
namespace {

// Where the colon before a port stands, or npos: a bare IPv6 address has colons but no port.
std::size_t find_port(const std::string& entry) {
  const std::size_t colon = entry.rfind(':');
  if (colon == std::string::npos || entry.ends_with(']')) return std::string::npos;
  const bool is_bare_v6 = entry.find(':') != colon && entry[0] != '[';
  return is_bare_v6 ? std::string::npos : colon;
}

}  // namespace

Result<UrlPolicy> UrlPolicy::create(const std::vector<std::string>& allowed_private_hosts) {
  UrlPolicy policy;
  for (const std::string& text : allowed_private_hosts) {
    const std::size_t colon = find_port(text);
    Entry entry{canonical_host(text.substr(0, colon)), 0};
    bool is_sound = !entry.host.empty() && entry.host.find_first_of("/@[] *") == std::string::npos;
    if (colon != std::string::npos) {
      const char* const end = text.data() + text.size();
      const auto [stop, status] = std::from_chars(text.data() + colon + 1, end, entry.port);
      is_sound = is_sound && status == std::errc() && stop == end && entry.port != 0;
    }
    if (!is_sound) {
      return Error{ErrorCode::kInvalidArgument, "invalid allowed private host \"" + text + "\"", "",
                   "Write host or host:port."};
    }
    policy.entries_.push_back(std::move(entry));
  }
  return policy;
}

Status UrlPolicy::check(const Url& url) const {
  if (url.is_https() || lists(url)) return kDone;
  return Error{ErrorCode::kInvalidArgument, "plain http to \"" + url.host() + "\" is not allowed",
               "", "Use https, or add the host to the allowed private hosts."};
}

bool UrlPolicy::allows(const Url& url, const sockaddr& address) const noexcept {
  return is_public_address(address) || lists(url);
}

bool UrlPolicy::lists(const Url& url) const noexcept {
  return std::any_of(entries_.begin(), entries_.end(), [&url](const Entry& entry) {
    return entry.host == url.host() && (entry.port == 0 || entry.port == url.port());
  });
}

}  // namespace lakehouse::http
