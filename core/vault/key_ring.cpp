// SPDX-License-Identifier: PostgreSQL
// Parses key lines straight into locked memory: no copy of a key is made on the way.
#include "core/vault/key_ring.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace lakehouse::vault {
namespace {

constexpr std::size_t kHexDigits = 2 * kAeadKeyBytes;
constexpr const char* kHint =
    "Each line must be a key id from 1 to 4294967295, one space and 64 hexadecimal digits.";

Error malformed(std::size_t line, const char* why) {
  return {ErrorCode::kUnauthenticated, "malformed master keys",
          "Line " + std::to_string(line) + " " + why + ".", kHint};
}

int nibble_of(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool decode_hex(std::string_view digits, unsigned char* bytes) noexcept {
  if (digits.size() != kHexDigits) return false;
  bool is_hex = true;
  for (std::size_t i = 0; i < kAeadKeyBytes; ++i) {
    const int high = nibble_of(digits[2 * i]);
    const int low = nibble_of(digits[2 * i + 1]);
    is_hex = is_hex && high >= 0 && low >= 0;
    bytes[i] = static_cast<unsigned char>((high & 15) << 4 | (low & 15));
  }
  return is_hex;
}

// Zero for anything but a plain decimal number without leading zeros.
std::uint32_t parse_id(std::string_view text) noexcept {
  std::uint32_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, id);
  const bool is_plain = status == std::errc() && stop == end && text[0] != '0';
  return is_plain ? id : 0;
}

}  // namespace

Result<KeyRing> KeyRing::parse(std::string_view text) {
  auto memory = LockedMemory::allocate(kMaxKeys * kAeadKeyBytes);
  if (!memory) return std::move(memory).error();
  KeyRing ring(std::move(*memory));
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Status added = ring.add_line(text.substr(0, end), number);
    if (!added) return added.error();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (ring.ids_.empty()) {
    return Error{ErrorCode::kUnauthenticated, "no master key found", "", kHint};
  }
  ring.writing_key_id_ = *std::max_element(ring.ids_.begin(), ring.ids_.end());
  return ring;
}

std::optional<AeadKey> KeyRing::find(std::uint32_t id) const noexcept {
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  if (found == ids_.end()) return std::nullopt;
  return key_at(static_cast<std::size_t>(found - ids_.begin()));
}

Status KeyRing::add_line(std::string_view line, std::size_t number) {
  if (line.empty() || line[0] == '#') return kDone;
  if (ids_.size() == kMaxKeys) return malformed(number, "is one key too many");
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::uint32_t id = parse_id(line.substr(0, space));
  if (id == 0) return malformed(number, "does not start with a key id");
  if (find(id)) return malformed(number, "repeats a key id");
  unsigned char* const place = memory_.bytes().data() + ids_.size() * kAeadKeyBytes;
  if (!decode_hex(line.substr(std::min(space + 1, line.size())), place)) {
    return malformed(number, "does not end with 64 hexadecimal digits");
  }
  ids_.push_back(id);
  return kDone;
}

AeadKey KeyRing::key_at(std::size_t index) const noexcept {
  return AeadKey(memory_.bytes().data() + index * kAeadKeyBytes, kAeadKeyBytes);
}

}  // namespace lakehouse::vault
