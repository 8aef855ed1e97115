// SPDX-License-Identifier: PostgreSQL
// The master keys of one vault, in locked memory. Reads the one text form of keys:
// lines "<key id> <64 hex digits>"; empty lines and lines that start with '#' are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/vault/aead.hpp"
#include "core/vault/locked_memory.hpp"

namespace lakehouse::vault {

inline constexpr std::size_t kMaxKeys = 64;             // a rotation needs two
inline constexpr std::size_t kMaxKeyTextBytes = 16384;  // kMaxKeys and as much of comments

class KeyRing {
 public:
  // Strict: any other line, a double or zero id, or no key at all is kUnauthenticated. The error
  // names the line's number and never its text.
  static Result<KeyRing> parse(std::string_view text);

  std::uint32_t writing_key_id() const noexcept { return writing_key_id_; }  // the highest
  const std::vector<std::uint32_t>& ids() const noexcept { return ids_; }
  std::optional<AeadKey> find(std::uint32_t id) const noexcept;

 private:
  explicit KeyRing(LockedMemory memory) : memory_(std::move(memory)) {}
  Status add_line(std::string_view line, std::size_t number);
  AeadKey key_at(std::size_t index) const noexcept;

  LockedMemory memory_;
  std::vector<std::uint32_t> ids_;  // in the order of the keys in memory_
  std::uint32_t writing_key_id_ = 0;
};

}  // namespace lakehouse::vault
