// SPDX-License-Identifier: PostgreSQL
// What credentials look like, and which texts are none.
#include "core/base/credential.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse {
namespace {

std::string text_of(unsigned char byte) {
  std::array<unsigned char, kCredentialRandomBytes> random;
  random.fill(byte);
  const CredentialBody body = credential_body(random);
  return "lkh_at_" + std::string(body.data(), body.size());
}

TEST(Credential, IsBase64urlOfItsBytesAndAChecksum) {
  // By Python: base64.urlsafe_b64encode(b"\xff" * 32), and zlib.crc32 of that in base 62.
  EXPECT_EQ(text_of(0xFF), "lkh_at_" + std::string(42, '_') + "80NhnNt");
  EXPECT_EQ(text_of(0), "lkh_at_" + std::string(43, 'A') + "0DofJ8");
}

TEST(Credential, KnowsItsOwn) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_TRUE(is_credential(text_of(static_cast<unsigned char>(byte)), kAccessTokenPrefix));
  }
}

TEST(Credential, KnowsEachWrongCharacter) {
  const std::string sound = text_of(0x5A);
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string damaged = sound;
    damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(is_credential(damaged, kAccessTokenPrefix)) << at;
  }
}

TEST(Credential, RefusesOtherPrefixesAndLengths) {
  const std::string sound = text_of(7);
  EXPECT_FALSE(is_credential(sound, kRefreshTokenPrefix));
  EXPECT_FALSE(is_credential(sound + "A", kAccessTokenPrefix));
  EXPECT_FALSE(is_credential(sound.substr(0, sound.size() - 1), kAccessTokenPrefix));
  EXPECT_FALSE(is_credential("", kAccessTokenPrefix));
}

}  // namespace
}  // namespace lakehouse
