// SPDX-License-Identifier: PostgreSQL
// The text form of master keys: strict, and silent about what it read.
#include <gtest/gtest.h>

#include <cstring>

#include "core/vault/key_ring.hpp"

namespace lakehouse::vault {
namespace {

const std::string kOnes(64, '1');
const std::string kTwos(64, '2');

void expect_refused(const std::string& text, const std::string& detail) {
  const auto ring = KeyRing::parse(text);
  ASSERT_FALSE(ring.is_ok()) << text;
  EXPECT_EQ(ring.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(ring.error().detail, detail);
  EXPECT_FALSE(ring.error().hint.empty());
}

TEST(KeyRing, reads_all_keys_and_writes_with_the_highest) {
  const auto ring = KeyRing::parse("# rotated in May\n\n7 " + kOnes + "\n12 " + kTwos + "\n3 " +
                                   std::string(64, 'F'));
  ASSERT_TRUE(ring.is_ok());
  EXPECT_EQ(ring->writing_key_id(), 12U);
  const std::string ones(32, '\x11');
  ASSERT_TRUE(ring->find(7));
  EXPECT_EQ(std::memcmp(ring->find(7)->data(), ones.data(), ones.size()), 0);
  ASSERT_TRUE(ring->find(3));
  EXPECT_EQ((*ring->find(3))[31], 0xFF);
  EXPECT_FALSE(ring->find(8));
  EXPECT_EQ(ring->ids(), (std::vector<std::uint32_t>{7, 12, 3}));
}

TEST(KeyRing, reads_digits_of_either_case_in_order) {
  const auto ring = KeyRing::parse("1 0123456789abcdef0123456789ABCDEF" + std::string(32, '0'));
  ASSERT_TRUE(ring.is_ok());
  const AeadKey key = *ring->find(1);
  EXPECT_EQ(key[0], 0x01);
  EXPECT_EQ(key[7], 0xEF);
  EXPECT_EQ(key[15], 0xEF);
}

TEST(KeyRing, refuses_text_without_a_key) {
  expect_refused("", "");
  expect_refused("# nothing here\n", "");
}

TEST(KeyRing, refuses_a_line_without_a_plain_id) {
  for (const char* id :
       {"", "0", "01", "-1", "+1", "1x", "x", "4294967296", "99999999999999999999"}) {
    expect_refused(std::string(id) + " " + kOnes, "Line 1 does not start with a key id.");
  }
  expect_refused(kOnes, "Line 1 does not start with a key id.");
}

TEST(KeyRing, refuses_a_key_of_another_form) {
  const std::string detail = "Line 2 does not end with 64 hexadecimal digits.";
  for (const std::string& key :
       {std::string(), kOnes.substr(1), kOnes + "1", kOnes.substr(1) + "g", kOnes + " ",
        " " + kOnes, kOnes + "\r", kOnes.substr(1) + std::string(1, '\0')}) {
    expect_refused("# comment\n1 " + key, detail);
  }
  expect_refused("# comment\n1", detail);
}

TEST(KeyRing, refuses_a_repeated_id) {
  expect_refused("1 " + kOnes + "\n1 " + kTwos, "Line 2 repeats a key id.");
}

TEST(KeyRing, refuses_more_keys_than_it_has_room_for) {
  std::string text;
  for (std::size_t id = 1; id <= kMaxKeys; ++id) text += std::to_string(id) + " " + kOnes + "\n";
  EXPECT_TRUE(KeyRing::parse(text).is_ok());
  expect_refused(text + "1000 " + kOnes, "Line 65 is one key too many.");
}

}  // namespace
}  // namespace lakehouse::vault
