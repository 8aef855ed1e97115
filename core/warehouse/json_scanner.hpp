// SPDX-License-Identifier: PostgreSQL
// JsonScanner: a strict reader of the little JSON that rows consist of: brackets, commas, blanks,
// null and strings. A general parser first indexes every token and then looks at each again; here a
// cell is found and read in one go. Never reads a byte before the start; may read up to 16 bytes
// past the end, and never believes them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace lakehouse::warehouse {

class JsonScanner {
 public:
  JsonScanner() = default;
  explicit JsonScanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool is_at_end() const noexcept { return at_ == end_; }

  void skip_blanks() noexcept {
    while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ') {
      if (*at_ != ' ' && *at_ != '\n' && *at_ != '\r' && *at_ != '\t') return;
      ++at_;
    }
  }

  bool take(char expected) noexcept {
    if (at_ == end_ || *at_ != expected) return false;
    ++at_;
    return true;
  }

  bool take_null() noexcept {
    constexpr std::string_view kNull = "null";
    if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, kNull.size()) !=
        kNull)
      return false;
    at_ += kNull.size();
    return true;
  }

  // What stands between the quotes of the string here, escapes and all; false if it is no string
  // that ends, or holds a bare control character.
  bool take_string(std::string_view& content, bool& has_escapes) noexcept {
    if (!take('"')) return false;
    const char* const start = at_;
    has_escapes = false;
    const char* p = start;
    for (;;) {
      p = find_special(p);
      if (p >= end_) return false;
      if (*p == '"') break;
      if (*p != '\\' || end_ - p < 2) return false;
      has_escapes = true;
      p += 2;
    }
    content = {start, static_cast<std::size_t>(p - start)};
    at_ = p + 1;
    return true;
  }

 private:
  // The first quote, backslash or control character, a block at a time; or a place at or behind the
  // end.
  const char* find_special(const char* p) const noexcept {
    while (p < end_) {
      const Block block = Block::load(p);
      if (block.has_special()) return p + block.first_special();
      p += sizeof(block.bytes);
    }
    return p;
  }

#ifdef __SSE2__
  struct Block {
    __m128i bytes;
    int special = 0;

    static Block load(const char* p) noexcept {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
      const __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
      const __m128i controls =
          _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8(0x1F)), _mm_set1_epi8(0x1F));
      return {bytes, _mm_movemask_epi8(_mm_or_si128(quotes, _mm_or_si128(slashes, controls)))};
    }
    bool has_special() const noexcept { return special != 0; }
    int first_special() const noexcept { return std::countr_zero(static_cast<unsigned>(special)); }
  };
#else
  struct Block {
    std::uint64_t bytes;
    std::uint64_t special = 0;

    static Block load(const char* p) noexcept {
      static_assert(std::endian::native == std::endian::little);
      constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
      std::uint64_t bytes = 0;
      std::memcpy(&bytes, p, sizeof(bytes));
      return {bytes, below(bytes ^ (kOnes * '"'), 1) | below(bytes ^ (kOnes * '\\'), 1) |
                         below(bytes, 0x20)};
    }
    // Sets the high bit of the first byte below `limit`; what stands above that bit means nothing.
    static constexpr std::uint64_t below(std::uint64_t bytes, std::uint64_t limit) noexcept {
      return (bytes - 0x0101010101010101ULL * limit) & ~bytes & 0x8080808080808080ULL;
    }
    bool has_special() const noexcept { return special != 0; }
    int first_special() const noexcept { return std::countr_zero(special) / 8; }
  };
#endif

  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace lakehouse::warehouse
