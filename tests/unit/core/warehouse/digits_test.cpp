// SPDX-License-Identifier: PostgreSQL
// Numbers read eight digits at a time.
#include "core/warehouse/digits.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace lakehouse::warehouse {
namespace {

// From a buffer of exactly the text's size, so that a sanitizer sees a byte read too many.
bool read(std::string_view text, std::uint64_t& value) {
  const auto exact = std::make_unique<char[]>(text.size());
  text.copy(exact.get(), text.size());
  return read_digits({exact.get(), text.size()}, value);
}

TEST(Digits, reads_every_length) {
  const std::string digits = "987654321012345678";
  for (std::size_t size = 1; size <= kMostDigits; ++size) {
    std::uint64_t value = 0;
    EXPECT_TRUE(read(digits.substr(0, size), value)) << size;
    EXPECT_EQ(value, std::stoull(digits.substr(0, size)));
  }
}

TEST(Digits, reads_leading_zeros_and_limits) {
  std::uint64_t value = 1;
  EXPECT_TRUE(read("000000000000000000", value));
  EXPECT_EQ(value, 0U);
  EXPECT_TRUE(read("999999999999999999", value));
  EXPECT_EQ(value, 999'999'999'999'999'999U);
}

TEST(Digits, refuses_any_other_character_at_any_place) {
  for (std::size_t size = 1; size <= kMostDigits; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        if (byte >= '0' && byte <= '9') continue;
        std::string text(size, '5');
        text[place] = static_cast<char>(byte);
        std::uint64_t value = 0;
        EXPECT_FALSE(read(text, value)) << size << " " << place << " " << byte;
      }
    }
  }
}

TEST(Digits, refuses_nothing_and_too_many) {
  std::uint64_t value = 0;
  EXPECT_FALSE(read("", value));
  EXPECT_FALSE(read(std::string(kMostDigits + 1, '1'), value));
}

}  // namespace
}  // namespace lakehouse::warehouse
