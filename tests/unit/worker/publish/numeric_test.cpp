// SPDX-License-Identifier: PostgreSQL
// PostgreSQL's binary numerics, exactly or not at all.
#include "worker/publish/numeric.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lakehouse::worker::publish {
namespace {

std::string sent(int weight, int sign, const std::vector<int>& digits) {
  std::string bytes;
  const auto add = [&bytes](int word) {
    bytes += static_cast<char>((word >> 8) & 0xFF);
    bytes += static_cast<char>(word & 0xFF);
  };
  add(static_cast<int>(digits.size()));
  add(weight);
  add(sign);
  add(0);
  for (const int digit : digits) add(digit);
  return bytes;
}

std::string text_of(delta::Int128 value) {
  if (value == 0) return "0";
  std::string text;
  const bool is_negative = value < 0;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    text.insert(text.begin(), static_cast<char>('0' + (digit < 0 ? -digit : digit)));
  }
  return is_negative ? "-" + text : text;
}

std::string unscaled(const std::string& bytes, int scale) {
  const auto value = unscaled_numeric(bytes, scale);
  return value ? text_of(*value) : value.error().message;
}

TEST(Numeric, is_read_at_its_scale) {
  EXPECT_EQ(unscaled(sent(0, 0, {}), 2), "0");
  EXPECT_EQ(unscaled(sent(1, 0, {17, 3665, 4700}), 2), "17366547");
  EXPECT_EQ(unscaled(sent(1, 0x4000, {17, 3665, 4700}), 4), "-1736654700");
  EXPECT_EQ(unscaled(sent(2, 0, {1}), 0), "100000000");
  EXPECT_EQ(unscaled(sent(-1, 0, {5000}), 1), "5");
  EXPECT_EQ(unscaled(sent(-2, 0, {1}), 8), "1");
  EXPECT_EQ(unscaled(sent(-2, 0, {1000}), 10), "100000");
}

TEST(Numeric, holds_thirty_eight_digits) {
  EXPECT_EQ(unscaled(sent(9, 0, {99, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999}), 0),
            std::string(38, '9'));
  // 28 digits before the point and 10 after: the last word holds two digits of its four.
  EXPECT_EQ(
      unscaled(sent(6, 0x4000, {9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999, 9900}), 10),
      "-" + std::string(38, '9'));
}

TEST(Numeric, refuses_what_does_not_fit_exactly) {
  constexpr char kTooMany[] = "decimal has more digits than its type";
  EXPECT_EQ(unscaled(sent(-1, 0, {1234}), 2), kTooMany);
  EXPECT_EQ(unscaled(sent(-1, 0, {1200, 1}), 2), kTooMany);
  EXPECT_EQ(unscaled(sent(9, 0, {100}), 0), kTooMany);
  EXPECT_EQ(unscaled(sent(0x7FFF, 0, {1}), 0), kTooMany);
  EXPECT_EQ(unscaled(sent(0, 0xC000, {}), 2), "a Delta table can't hold NaN in a decimal");
  EXPECT_EQ(unscaled(sent(0, 0xD000, {}), 2), "a Delta table can't hold infinity in a decimal");
}

TEST(Numeric, refuses_bytes_that_are_none) {
  const std::string bytes = sent(0, 0, {1, 2});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(unscaled_numeric(bytes.substr(0, size), 2).is_ok()) << size;
  }
}

}  // namespace
}  // namespace lakehouse::worker::publish
