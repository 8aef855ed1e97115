// SPDX-License-Identifier: PostgreSQL
// An envelope of the vault whose place is the user, the method and the name.
#include "worker/mcp/sealed_state.hpp"

#include <charconv>
#include <chrono>

#include "core/base/base64.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr std::chrono::seconds kLifetime{600};
constexpr const char* kPurpose = "mcp_request_state";

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

vault::Place place(const Exchange& exchange, std::string_view name) {
  vault::Place place;
  place.tenant_id = exchange.caller.tenant_id;
  place.purpose = kPurpose;
  place.row_id = exchange.caller.user_id;
  place.column = exchange.message.method + " " + std::string(name);
  return place;
}

}  // namespace

Result<std::string> seal_state(const vault::Vault& vault, const Exchange& exchange,
                               std::string_view name, std::string_view state) {
  const std::int64_t until = now_seconds() + kLifetime.count();
  auto sealed =
      vault.seal(Secret(std::to_string(until) + " " + std::string(state)), place(exchange, name));
  if (!sealed) return sealed.error();
  return to_base64url(*sealed);
}

std::optional<std::string> open_state(const vault::Vault& vault, const Exchange& exchange,
                                      std::string_view name, std::string_view sealed) {
  const auto envelope = from_base64url(sealed);
  if (!envelope) return std::nullopt;
  const auto opened = vault.open(*envelope, place(exchange, name));
  if (!opened) return std::nullopt;
  const std::string_view text = opened->reveal();
  std::int64_t until = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), until);
  if (error != std::errc() || until < now_seconds()) return std::nullopt;
  return std::string(end + 1, text.data() + text.size());
}

}  // namespace lakehouse::worker::mcp
