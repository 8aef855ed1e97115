// SPDX-License-Identifier: PostgreSQL
// One key for each master key, tenant and purpose.
#include "core/vault/authenticator.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace lakehouse::vault {
namespace {

const std::vector<unsigned char> kMaster(kAeadKeyBytes, 0x5A);

std::string tag_of(const std::vector<unsigned char>& master, const char* tenant,
                   const char* purpose, std::string_view message) {
  const auto made = Authenticator::derive(AeadKey(master.data(), kAeadKeyBytes), tenant, purpose);
  return made ? made->tag_of(message) : "";
}

TEST(Authenticator, makes_the_same_tag_again) {
  const std::string tag = tag_of(kMaster, "t", "audit", "message");
  EXPECT_EQ(tag.size(), kTagSize);
  EXPECT_EQ(tag_of(kMaster, "t", "audit", "message"), tag);
}

TEST(Authenticator, tags_do_not_depend_on_those_before) {
  const auto made = Authenticator::derive(AeadKey(kMaster.data(), kAeadKeyBytes), "t", "audit");
  ASSERT_TRUE(made);
  for (const std::string message : {"message", "", "another", "message"}) {
    EXPECT_EQ(made->tag_of(message), tag_of(kMaster, "t", "audit", message));
  }
}

TEST(Authenticator, tag_depends_on_message_key_tenant_and_purpose) {
  const std::string tag = tag_of(kMaster, "t", "audit", "message");
  EXPECT_NE(tag_of(kMaster, "t", "audit", "messagf"), tag);
  EXPECT_NE(tag_of(std::vector<unsigned char>(kAeadKeyBytes, 0x5B), "t", "audit", "message"), tag);
  EXPECT_NE(tag_of(kMaster, "u", "audit", "message"), tag);
  EXPECT_NE(tag_of(kMaster, "t", "other", "message"), tag);
}

}  // namespace
}  // namespace lakehouse::vault
