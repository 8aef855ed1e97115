// SPDX-License-Identifier: PostgreSQL
// Digest: 128 bits that stand for a key, or for a row. Not cryptographic: whoever can choose two
// rows so that their digests agree has only their own change missed. Digests of keys lie in
// key filters, so what bytes give which digest never changes.
#pragma once

#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lakehouse::delta {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const Digest&) const = default;
};

// A digest under way: of values one after the other, each with its length, so that no two lists of
// values are mixed up.
class Digester {
 public:
  void add(std::uint64_t word) noexcept {
    high_ = folded(high_ ^ word, kFirstPrime);
    low_ = folded(low_ + word, kSecondPrime) ^ high_;
  }

  void add(std::string_view bytes) noexcept {
    add(static_cast<std::uint64_t>(bytes.size()) ^ kText);
    while (bytes.size() >= sizeof(std::uint64_t)) {
      add(word_of(bytes.data(), sizeof(std::uint64_t)));
      bytes.remove_prefix(sizeof(std::uint64_t));
    }
    if (!bytes.empty()) add(word_of(bytes.data(), bytes.size()));
  }

  void add_null() noexcept { add(kNull); }

  Digest end() const noexcept {
    const std::uint64_t high = folded(high_ ^ kThirdPrime, low_ ^ kFirstPrime);
    return {high, folded(low_ ^ high, kThirdPrime)};
  }

 private:
  // Odd, of irregular bits.
  static constexpr std::uint64_t kFirstPrime = 0x9E3779B97F4A7C15;
  static constexpr std::uint64_t kSecondPrime = 0xD6E8FEB86659FD93;
  static constexpr std::uint64_t kThirdPrime = 0xA0761D6478BD642F;
  static constexpr std::uint64_t kNull = 0x4E554C4C00000001;
  static constexpr std::uint64_t kText = 0x5445585400000000;

  // Both halves of the product: each bit of the argument reaches all of the result.
  static std::uint64_t folded(std::uint64_t value, std::uint64_t factor) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(value) * factor;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  }

  // Little endian, as all machines that we build for.
  static std::uint64_t word_of(const char* bytes, std::size_t count) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    return word;
  }

  std::uint64_t high_ = 0x6A09E667F3BCC908;
  std::uint64_t low_ = 0xBB67AE8584CAA73B;
};

}  // namespace lakehouse::delta
