// SPDX-License-Identifier: PostgreSQL
// Parsing and the checks that need no network.
#include "core/http/url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "core/base/scope_exit.hpp"

namespace lakehouse::http {
namespace {

constexpr std::size_t kMaxUrlBytes = 32768;  // presigned links stay well below

Error malformed(const char* why) { return {ErrorCode::kInvalidArgument, "malformed URL", why, ""}; }

std::optional<std::string> part_of(CURLU* handle, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) return std::nullopt;
  const ScopeExit freeing([text]() noexcept { curl_free(text); });
  return std::string(text);
}

bool is_host_name(const std::string& host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char letter) {
    return letter > ' ' && letter < 0x7F;
  });
}

}  // namespace

Result<Url> Url::parse(const std::string& text) {
  if (text.size() > kMaxUrlBytes) return malformed("It is too long.");
  Handle handle(curl_url());
  if (!handle) return Error{ErrorCode::kOutOfMemory, "out of memory", "", ""};
  // c_str() below stops at a zero byte, a URL must not.
  if (text.find('\0') != std::string::npos ||
      curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK) {
    return malformed("It is not an absolute http or https URL.");
  }
  if (part_of(handle.get(), CURLUPART_FRAGMENT)) return malformed("It has a fragment.");
  return inspect(std::move(handle));
}

Result<Url> Url::resolve(const std::string& reference) const {
  if (reference.size() > kMaxUrlBytes) return malformed("It is too long.");
  Handle handle(curl_url_dup(handle_.get()));
  if (!handle) return Error{ErrorCode::kOutOfMemory, "out of memory", "", ""};
  if (curl_url_set(handle.get(), CURLUPART_URL, reference.c_str(), CURLU_URLENCODE) != CURLUE_OK) {
    return malformed("It is no URL reference.");
  }
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  return inspect(std::move(handle));
}

Result<Url> Url::inspect(Handle handle) {
  const auto scheme = part_of(handle.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") {
    return malformed("Its scheme is neither https nor http.");
  }
  if (part_of(handle.get(), CURLUPART_USER) || part_of(handle.get(), CURLUPART_PASSWORD)) {
    return malformed("It has a user name or a password.");
  }
  if (part_of(handle.get(), CURLUPART_ZONEID)) return malformed("Its host has a zone.");
  const auto host = part_of(handle.get(), CURLUPART_HOST);
  if (!host || !is_host_name(*host)) return malformed("Its host is not a plain ASCII name.");
  const auto port = part_of(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  Url url;
  url.handle_ = std::move(handle);
  url.host_ = canonical_host(*host);
  url.port_ = static_cast<std::uint16_t>(std::stoul(port.value_or("0")));  // curl checked it
  url.is_https_ = scheme == "https";
  if (url.port_ == 0 || url.host_.empty()) return malformed("Its host or its port is empty.");
  return url;
}

std::string canonical_host(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.ends_with('.')) host.pop_back();
  for (char& letter : host) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  in6_addr address{};
  char text[INET6_ADDRSTRLEN];
  const bool is_v6 = inet_pton(AF_INET6, host.c_str(), &address) == 1 &&
                     inet_ntop(AF_INET6, &address, text, sizeof(text)) != nullptr;
  return is_v6 ? std::string(text) : host;
}

}  // namespace lakehouse::http
