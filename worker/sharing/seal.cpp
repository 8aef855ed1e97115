// SPDX-License-Identifier: PostgreSQL
// A token is base64url of "key.expiry.payload.tag".
#include "worker/sharing/seal.hpp"

#include <openssl/crypto.h>

#include <charconv>

#include "core/base/base64.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::string_view kTokenPurpose = "delta_sharing_tokens";
// Keys are the installation's, since a URL does not say whose tenant it is of.
constexpr std::string_view kNoTenant = "";
// Two ids, a path, two numbers.
constexpr std::size_t kUsualMessageBytes = 256;

template <typename Number>
std::optional<Number> read_number(std::string_view digits) {
  Number number = 0;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), number);
  if (digits.empty() || problem != std::errc() || end != digits.end()) return std::nullopt;
  return number;
}

std::string_view take(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  const std::string_view part = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  return part;
}

}  // namespace

Result<Seal> Seal::current(const vault::Vault& vault, std::string_view purpose) {
  return of_key(vault, purpose, vault.writing_key_id());
}

Result<Seal> Seal::of_key(const vault::Vault& vault, std::string_view purpose,
                          std::uint32_t key_id) {
  auto key = vault.authenticator(key_id, kNoTenant, purpose);
  if (!key) return key.error();
  return Seal(key_id, *std::move(key));
}

std::string Seal::tag_of(std::initializer_list<std::string_view> parts) const {
  std::string message;
  message.reserve(kUsualMessageBytes);
  for (const std::string_view part : parts) {
    message += std::to_string(part.size());
    message += ':';
    message += part;
  }
  const std::string tag = key_.tag_of(message);
  return tag.empty() ? tag : to_base64url(tag);
}

bool Seal::fits(std::initializer_list<std::string_view> parts, std::string_view tag) const {
  const std::string made = tag_of(parts);
  return !made.empty() && made.size() == tag.size() &&
         CRYPTO_memcmp(made.data(), tag.data(), tag.size()) == 0;
}

Result<std::string> seal_token(const vault::Vault& vault, std::string_view payload,
                               std::string_view binding, std::int64_t expires_at) {
  auto seal = Seal::current(vault, kTokenPurpose);
  if (!seal) return seal.error();
  const std::string expiry = std::to_string(expires_at);
  const std::string tag = seal->tag_of({expiry, payload, binding});
  if (tag.empty()) return Error{ErrorCode::kInternal, "could not seal a token", "", ""};
  return to_base64url(std::to_string(seal->key_id()) + "." + expiry + "." + std::string(payload) +
                      "." + tag);
}

std::optional<std::string> open_token(const vault::Vault& vault, std::string_view token,
                                      std::string_view binding, std::int64_t now) {
  const auto text = from_base64url(token);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  const auto key_id = read_number<std::uint32_t>(take(rest));
  const std::string_view expiry = take(rest);
  const std::string_view payload = take(rest);
  const auto expires_at = read_number<std::int64_t>(expiry);
  if (!key_id || !expires_at || *expires_at < now) return std::nullopt;
  const auto seal = Seal::of_key(vault, kTokenPurpose, *key_id);
  if (!seal || !seal->fits({expiry, payload, binding}, rest)) return std::nullopt;
  return std::string(payload);
}

}  // namespace lakehouse::worker::sharing
