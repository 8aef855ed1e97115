// SPDX-License-Identifier: PostgreSQL
// AES-256-GCM against test cases 13 to 16 of "The Galois/Counter Mode of Operation" (McGrew,
// Viega).
#include <gtest/gtest.h>

#include "core/vault/aead.hpp"
#include "tests/unit/core/vault/hex.hpp"

namespace lakehouse::vault {
namespace {

using lakehouse::testing::from_hex;

struct Case {
  const char *key, *nonce, *associated_data, *plaintext, *sealed;
};

constexpr const char* kZeroKey = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr const char* kZeroNonce = "000000000000000000000000";
constexpr const char* kKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr const char* kNonce = "cafebabefacedbaddecaf888";

const Case kCases[] = {
    {kZeroKey, kZeroNonce, "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {kZeroKey, kZeroNonce, "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {kKey, kNonce, "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {kKey, kNonce, "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

AeadKey key_of(const std::string& bytes) {
  return AeadKey(reinterpret_cast<const unsigned char*>(bytes.data()), kAeadKeyBytes);
}

TEST(Aead, seals_the_published_cases) {
  for (const Case& sample : kCases) {
    const std::string key = from_hex(sample.key);
    std::string sealed = "kept";
    ASSERT_TRUE(aead_seal(key_of(key), from_hex(sample.nonce), from_hex(sample.associated_data),
                          from_hex(sample.plaintext), sealed));
    EXPECT_EQ(sealed, "kept" + from_hex(sample.sealed));
  }
}

TEST(Aead, opens_the_published_cases) {
  for (const Case& sample : kCases) {
    const std::string key = from_hex(sample.key);
    std::string plaintext;
    ASSERT_TRUE(aead_open(key_of(key), from_hex(sample.nonce), from_hex(sample.associated_data),
                          from_hex(sample.sealed), plaintext));
    EXPECT_EQ(plaintext, from_hex(sample.plaintext));
  }
}

TEST(Aead, refuses_a_case_with_one_flipped_bit_and_leaves_no_plaintext) {
  const Case& sample = kCases[3];
  const std::string key = from_hex(sample.key);
  const std::string sealed = from_hex(sample.sealed);
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    std::string plaintext = "old";
    EXPECT_FALSE(aead_open(key_of(key), from_hex(sample.nonce), from_hex(sample.associated_data),
                           changed, plaintext));
    EXPECT_EQ(plaintext, "");
  }
}

TEST(Aead, refuses_other_associated_data) {
  const Case& sample = kCases[3];
  const std::string key = from_hex(sample.key);
  std::string plaintext;
  EXPECT_FALSE(
      aead_open(key_of(key), from_hex(sample.nonce), "", from_hex(sample.sealed), plaintext));
}

TEST(Aead, refuses_a_nonce_of_another_length) {
  const std::string key(32, 'k');
  std::string sealed;
  EXPECT_FALSE(aead_seal(key_of(key), std::string(8, 'n'), "", "text", sealed));
  EXPECT_FALSE(aead_seal(key_of(key), std::string(16, 'n'), "", "text", sealed));
  EXPECT_EQ(sealed, "");
  std::string plaintext;
  EXPECT_FALSE(aead_open(key_of(key), "", "", std::string(32, 's'), plaintext));
}

TEST(Aead, refuses_what_is_shorter_than_a_tag) {
  const std::string key(32, 'k');
  std::string plaintext;
  for (std::size_t size = 0; size < kTagBytes; ++size) {
    EXPECT_FALSE(
        aead_open(key_of(key), std::string(12, 'n'), "", std::string(size, 's'), plaintext));
  }
}

}  // namespace
}  // namespace lakehouse::vault
