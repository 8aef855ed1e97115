// SPDX-License-Identifier: PostgreSQL
// The vectors of RFC 4648, and that nothing but the one encoding is read.
#include "core/base/base64.hpp"

#include <gtest/gtest.h>

namespace lakehouse {
namespace {

struct Vector {
  std::string_view bytes, base64, base64url;
};
// RFC 4648, section 10; the last three by Python's base64.
constexpr Vector kVectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xFB\xEF\xBE\xFF", "++++/w==", "----_w"},
    {{"\0", 1}, "AA==", "AA"},
    {{"\0\xFF\0", 3}, "AP8A", "AP8A"},
};

TEST(Base64, WritesAndReadsTheVectors) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(to_base64(vector.bytes), vector.base64);
    EXPECT_EQ(to_base64url(vector.bytes), vector.base64url);
    EXPECT_EQ(base64url_size(vector.bytes.size()), vector.base64url.size());
    EXPECT_EQ(from_base64(vector.base64), vector.bytes);
    EXPECT_EQ(from_base64url(vector.base64url), vector.bytes);
  }
}

TEST(Base64, ReadsNoOtherEncoding) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "Zm9v====", "====", "=",
        "Z===", "Zg==Zg==", "Zm9v\n", " Zm9", "    ", "Zm-v", "Zm_v", "Z=g=", "Zm8=    "}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
  for (const char* text :
       {"Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm8=", "Zm+v", "Zm/v", "Zm9v\n", " Zm9v", "Zm*v"}) {
    EXPECT_EQ(from_base64url(text), std::nullopt) << text;
  }
  EXPECT_EQ(from_base64url(std::string_view("AA\0A", 4)), std::nullopt);
}

TEST(Base64, EveryByteSurvives) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes.push_back(static_cast<char>(byte));
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
  }
}

}  // namespace
}  // namespace lakehouse
