// SPDX-License-Identifier: PostgreSQL
// HKDF-SHA-256 against RFC 5869, appendix A.1 to A.3, and at its limits.
#include <gtest/gtest.h>

#include <vector>

#include "core/vault/hkdf.hpp"
#include "tests/unit/core/vault/hex.hpp"

namespace lakehouse::vault {
namespace {

using lakehouse::testing::from_hex;

std::string derive(const std::string& key, const std::string& salt, const std::string& info,
                   std::size_t size) {
  std::string output(size, 'x');
  const bool is_derived =
      derive_hkdf_sha256({reinterpret_cast<const unsigned char*>(key.data()), key.size()}, salt,
                         info, {reinterpret_cast<unsigned char*>(output.data()), output.size()});
  return is_derived ? output : "";
}

std::string count_up(int from, int to) {
  std::string bytes;
  for (int byte = from; byte < to; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

TEST(Hkdf, matches_rfc5869_case_1) {
  EXPECT_EQ(derive(std::string(22, '\x0b'), count_up(0, 13), count_up(0xf0, 0xfa), 42),
            from_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                     "34007208d5b887185865"));
}

TEST(Hkdf, matches_rfc5869_case_2) {
  EXPECT_EQ(derive(count_up(0, 0x50), count_up(0x60, 0xb0), count_up(0xb0, 0x100), 82),
            from_hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                     "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                     "cc30c58179ec3e87c14c01d5c1f3434f1d87"));
}

TEST(Hkdf, matches_rfc5869_case_3_without_salt_and_info) {
  EXPECT_EQ(derive(std::string(22, '\x0b'), "", "", 42),
            from_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
                     "9d201395faa4b61a96c8"));
}

TEST(Hkdf, derives_up_to_its_longest_output_and_no_more) {
  EXPECT_EQ(derive("key", "salt", "info", kHkdfMaxOutput).size(), kHkdfMaxOutput);
  EXPECT_EQ(derive("key", "salt", "info", kHkdfMaxOutput + 1), "");
  EXPECT_EQ(derive("key", "salt", "info", 0), "");
}

TEST(Hkdf, longer_output_starts_with_the_shorter_one) {
  EXPECT_EQ(derive("key", "salt", "info", 64).substr(0, 20), derive("key", "salt", "info", 20));
}

}  // namespace
}  // namespace lakehouse::vault
