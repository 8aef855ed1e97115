// SPDX-License-Identifier: PostgreSQL
// Signatures that AWS published: its Signature Version 4 test suite, and the examples of the S3 API
// reference.
#include "core/s3/signature.hpp"

#include <gtest/gtest.h>

namespace lakehouse::s3 {
namespace {

using std::chrono::seconds;

constexpr const char* kNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// "AWS Signature Version 4 test suite".
class Suite : public ::testing::Test {
 protected:
  std::string signature(const std::string& method, std::vector<Parameter> query,
                        std::vector<http::Header> headers, const std::string& body = "") {
    headers.push_back({"Host", "example.amazonaws.com"});
    headers.push_back({"X-Amz-Date", "20150830T123600Z"});
    const Credentials credentials{
        "AKIDEXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")), {}};
    const auto value =
        authorization({method, "/", std::move(query), std::move(headers), hash_of(body)},
                      credentials, {"us-east-1", "service"}, Time(seconds(1440938160)));
    EXPECT_TRUE(value.is_ok());
    return value->substr(value->rfind('=') + 1);
  }
};

TEST_F(Suite, get_and_post_vanilla) {
  EXPECT_EQ(signature("GET", {}, {}),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(signature("POST", {}, {}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_F(Suite, get_vanilla_query_order_key_case) {
  EXPECT_EQ(signature("GET", {{"Param2", "value2"}, {"Param1", "value1"}}, {}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_F(Suite, get_vanilla_query_order_value) {
  EXPECT_EQ(signature("GET", {{"Param1", "value2"}, {"Param1", "Value1"}}, {}),
            "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1");
}

TEST_F(Suite, get_vanilla_query_unreserved) {
  const std::string plain = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(signature("GET", {{plain, plain}}, {}),
            "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197");
}

TEST_F(Suite, get_header_value_trim) {
  EXPECT_EQ(signature("GET", {}, {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST_F(Suite, post_x_www_form_urlencoded) {
  EXPECT_EQ(signature("POST", {}, {{"Content-Type", "application/x-www-form-urlencoded"}},
                      "Param1=value1"),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

// "Examples: Signature Calculations" of the S3 API reference.
class Examples : public ::testing::Test {
 protected:
  std::string signature(const std::string& method, const std::string& path,
                        std::vector<Parameter> query, std::vector<http::Header> headers,
                        const std::string& hash = kNothing) {
    headers.push_back({"Host", "examplebucket.s3.amazonaws.com"});
    headers.push_back({"x-amz-content-sha256", hash});
    headers.push_back({"x-amz-date", to_timestamp(at_)});
    const auto value = authorization({method, path, std::move(query), std::move(headers), hash},
                                     credentials_, {"us-east-1", "s3"}, at_);
    EXPECT_TRUE(value.is_ok());
    return value->substr(value->rfind('=') + 1);
  }

  const Time at_{seconds(1369353600)};  // 2013-05-24
  const Credentials credentials_{
      "AKIAIOSFODNN7EXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")), {}};
};

TEST_F(Examples, get_object_with_a_range) {
  EXPECT_EQ(signature("GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(Examples, put_object_with_an_encoded_key) {
  EXPECT_EQ(signature("PUT", encode_path("/test$file.text"), {},
                      {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                      hash_of("Welcome to Amazon S3.")),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(Examples, get_of_a_parameter_without_a_value) {
  EXPECT_EQ(signature("GET", "/", {{"lifecycle", ""}}, {}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(Examples, list_objects) {
  EXPECT_EQ(signature("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_F(Examples, url_signed_for_a_day) {
  const Canonical request{"GET",
                          "/test.txt",
                          {},
                          {{"host", "examplebucket.s3.amazonaws.com"}},
                          std::string(kUnsignedPayload)};
  const auto query =
      signed_query(request, credentials_, {"us-east-1", "s3"}, at_, std::chrono::hours(24));
  ASSERT_TRUE(query.is_ok());
  EXPECT_EQ(*query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
            "X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_F(Examples, a_url_of_a_session_carries_its_token) {
  Credentials session = credentials_;
  session.session_token = Secret(std::string("to/ken"));
  const auto query = signed_query({"GET", "/", {}, {{"host", "a"}}, std::string(kUnsignedPayload)},
                                  session, {"us-east-1", "s3"}, at_, seconds(1));
  ASSERT_TRUE(query.is_ok());
  EXPECT_NE(query->find("&X-Amz-Security-Token=to%2Fken&"), std::string::npos) << *query;
}

TEST_F(Examples, a_url_is_good_for_a_second_to_a_week) {
  const Canonical request{"GET", "/", {}, {{"host", "a"}}, std::string(kUnsignedPayload)};
  const auto sign = [&](seconds lifetime) {
    return signed_query(request, credentials_, {"us-east-1", "s3"}, at_, lifetime).is_ok();
  };
  EXPECT_FALSE(sign(seconds(0)));
  EXPECT_TRUE(sign(seconds(1)));
  EXPECT_TRUE(sign(std::chrono::days(7)));
  EXPECT_FALSE(sign(std::chrono::days(7) + seconds(1)));
}

TEST(Uri, encodes_all_but_unreserved_characters_in_upper_case) {
  EXPECT_EQ(encode_path("/a b/\xC3\xBC+%~_.-"), "/a%20b/%C3%BC%2B%25~_.-");
  EXPECT_EQ(encode_query({{"b", "x/y"}, {"a", "=&"}, {"a", ""}}), "a=&a=%3D%26&b=x%2Fy");
}

}  // namespace
}  // namespace lakehouse::s3
