// SPDX-License-Identifier: PostgreSQL
// Where requests go, what is signed, and what errors say.
#include "core/s3/bucket.hpp"

#include <gtest/gtest.h>

#include "core/s3/failure.hpp"
#include "core/s3/token_service.hpp"
#include "tests/unit/core/http/client_fixture.hpp"

namespace lakehouse::s3 {
namespace {

using http::testing::ClientTest;
using http::testing::Peer;
using http::testing::Received;
using http::testing::reply;
using http::testing::TestServer;
using std::chrono::seconds;

class BucketTest : public ClientTest {
 protected:
  static BucketOptions options(const std::string& endpoint, Addressing addressing) {
    return {endpoint,
            "eu-west-1",
            "my.bucket",
            addressing,
            {"AKID", Secret(std::string("s3cret")), {}}};
  }
  std::shared_ptr<const Bucket> open(const std::string& endpoint, Addressing addressing) {
    auto bucket = Bucket::open(options(endpoint, addressing), *client_);
    EXPECT_TRUE(bucket.is_ok());
    return *std::move(bucket);
  }
  bool opens(const std::function<void(BucketOptions&)>& change) {
    BucketOptions changed = options("https://s3.example.com", Addressing::kPath);
    change(changed);
    const auto bucket = Bucket::open(std::move(changed), *client_);
    return bucket.is_ok();
  }
};

TEST_F(BucketTest, a_request_names_the_bucket_in_its_path_and_signs_all) {
  TestServer server([](Peer& peer, const Received&) { peer.send(reply(200, "")); });
  const auto bucket = open("http://" + server.address(), Addressing::kPath);
  ObjectRequest request;
  request.method = http::Method::kPut;
  request.key = "t/\xC3\xBC x";
  request.query = {{"uploadId", "a/b"}, {"partNumber", "1"}};
  request.headers = {{"If-None-Match", "*"}};
  request.body = "hello";
  ASSERT_TRUE(bucket->send(std::move(request), within(seconds(2))).is_ok());
  const Received seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/my.bucket/t/%C3%BC%20x?partNumber=1&uploadId=a%2Fb");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_EQ(seen.headers.at("x-amz-content-sha256"), hash_of("hello"));
  EXPECT_EQ(seen.headers.at("accept-encoding"), "identity");
  EXPECT_EQ(seen.headers.count("x-amz-security-token"), 0U);
  const std::string& value = seen.headers.at("authorization");
  EXPECT_TRUE(value.starts_with("AWS4-HMAC-SHA256 Credential=AKID/")) << value;
  EXPECT_NE(value.find("/eu-west-1/s3/aws4_request, SignedHeaders=host;if-none-match;"
                       "x-amz-content-sha256;x-amz-date, Signature="),
            std::string::npos)
      << value;
}

TEST_F(BucketTest, presigned_urls_are_addressed_as_asked) {
  const auto start = [this](const std::string& endpoint, Addressing addressing) {
    const auto url = open(endpoint, addressing)
                         ->presign(SignedMethod::kGet, "t/a b", seconds(60), Time(seconds(0)));
    EXPECT_TRUE(url.is_ok());
    return url->substr(0, url->find('?'));
  };
  EXPECT_EQ(start("https://S3.example.com:443/", Addressing::kVirtualHost),
            "https://my.bucket.s3.example.com/t/a%20b");
  EXPECT_EQ(start("https://s3.example.com", Addressing::kPath),
            "https://s3.example.com/my.bucket/t/a%20b");
  EXPECT_EQ(start("http://127.0.0.1:9000", Addressing::kPath),
            "http://127.0.0.1:9000/my.bucket/t/a%20b");
}

TEST_F(BucketTest, head_is_signed_apart_from_get) {
  const auto bucket = open("https://s3.example.com", Addressing::kPath);
  const auto get = bucket->presign(SignedMethod::kGet, "k", seconds(60), Time(seconds(0)));
  const auto head = bucket->presign(SignedMethod::kHead, "k", seconds(60), Time(seconds(0)));
  EXPECT_NE(*get, *head);
}

TEST_F(BucketTest, what_can_be_no_bucket_is_refused) {
  EXPECT_TRUE(opens([](BucketOptions&) {}));
  for (const char* name : {"", "ab", "Upper", "a/b", "a..b", "-ab", "ab-", "a b c", "a_b"}) {
    EXPECT_FALSE(opens([name](BucketOptions& one) { one.name = name; })) << name;
  }
  for (const char* endpoint : {"", "s3.example.com", "ftp://x", "https://", "https://a/b",
                               "https://a?b", "https://u@a", "https://a b", "https://a#b"}) {
    EXPECT_FALSE(opens([endpoint](BucketOptions& one) { one.endpoint = endpoint; })) << endpoint;
  }
  for (const char* region : {"", "eu/west", "eu west", "EU"}) {
    EXPECT_FALSE(opens([region](BucketOptions& one) { one.region = region; })) << region;
  }
  EXPECT_FALSE(opens([](BucketOptions& one) { one.credentials.access_key_id = "a\nb"; }));
  EXPECT_FALSE(opens([](BucketOptions& one) { one.credentials.secret_access_key = Secret(); }));
}

TEST_F(BucketTest, an_endpoint_that_the_client_may_not_call_is_refused) {
  const auto refused =
      open("http://s3.example.com", Addressing::kPath)->send({}, within(seconds(2)));
  ASSERT_FALSE(refused.is_ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

struct Expected {
  int status;
  const char* code;
  ErrorCode error;
};

TEST(S3Failure, statuses_and_codes_become_errors_without_what_was_sent) {
  for (const Expected& one : {
           Expected{404, "NoSuchKey", ErrorCode::kNotFound},
           Expected{404, "NoSuchBucket", ErrorCode::kNotFound},
           Expected{404, "", ErrorCode::kNotFound},
           Expected{403, "AccessDenied", ErrorCode::kPermissionDenied},
           Expected{403, "SignatureDoesNotMatch", ErrorCode::kPermissionDenied},
           Expected{403, "InvalidAccessKeyId", ErrorCode::kPermissionDenied},
           Expected{403, "RequestTimeTooSkewed", ErrorCode::kPermissionDenied},
           Expected{400, "ExpiredToken", ErrorCode::kPermissionDenied},
           Expected{301, "PermanentRedirect", ErrorCode::kInvalidArgument},
           Expected{503, "SlowDown", ErrorCode::kUnavailable},
           Expected{500, "InternalError", ErrorCode::kUnavailable},
           Expected{501, "NotImplemented", ErrorCode::kUnavailable},
           Expected{400, "Weird", ErrorCode::kUnavailable},
       }) {
    http::Response response;
    response.status = one.status;
    response.body = std::string("<Error><Code>") + one.code +
                    "</Code><Message>k3y</Message><AWSAccessKeyId>k3y</AWSAccessKeyId></Error>";
    const Error error = failure_of(response);
    EXPECT_EQ(facts_of(error.code).name, facts_of(one.error).name) << one.code;
    EXPECT_EQ((error.message + error.detail + error.hint).find("k3y"), std::string::npos);
    EXPECT_NE(error.detail.find(std::to_string(one.status)), std::string::npos);
  }
}

using TokenService = BucketTest;

TEST_F(TokenService, a_role_is_assumed_with_a_policy) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send(reply(200,
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA"
                    "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
                    "</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>"
                    "</AssumeRoleResult></AssumeRoleResponse>"));
  });
  const auto session = assume_role(
      {"arn:aws:iam::1:role/r", "lakehouse", "{}", seconds(900)}, "http://" + server.address(),
      "eu-west-1", {"AKID", Secret(std::string("x")), {}}, *client_, within(seconds(2)));
  ASSERT_TRUE(session.is_ok()) << session.error().message;
  EXPECT_EQ(session->credentials.session_token.reveal(), "t");
  const Received seen = server.requests().at(0);
  EXPECT_EQ(seen.target, "/");
  EXPECT_EQ(seen.body,
            "Action=AssumeRole&DurationSeconds=900&Policy=%7B%7D&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3A"
            "role%2Fr&RoleSessionName=lakehouse&Version=2011-06-15");
  EXPECT_NE(seen.headers.at("authorization")
                .find("/eu-west-1/sts/aws4_request, SignedHeaders="
                      "content-type;host;"),
            std::string::npos);
}

TEST_F(TokenService, a_refusal_is_permission_denied) {
  TestServer server([](Peer& peer, const Received&) {
    peer.send(
        reply(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"));
  });
  const auto session =
      assume_role({}, "http://" + server.address(), "eu-west-1",
                  {"AKID", Secret(std::string("x")), {}}, *client_, within(seconds(2)));
  ASSERT_FALSE(session.is_ok());
  EXPECT_EQ(session.error().code, ErrorCode::kPermissionDenied);
}

TEST(ReadPolicy, allows_to_read_and_list_one_folder) {
  EXPECT_EQ(*read_policy("b", "x/t", "eu-west-1"),
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject",)"
            R"("Resource":"arn:aws:s3:::b/x/t/*"},{"Effect":"Allow","Action":"s3:ListBucket",)"
            R"("Resource":"arn:aws:s3:::b","Condition":{"StringLike":{"s3:prefix":"x/t/*"}}}]})");
  EXPECT_NE(read_policy("b", "x", "cn-north-1")->find("arn:aws-cn:s3:::b/x/*"), std::string::npos);
  for (const char* folder : {"", "*", "a/*", "a?", "${aws:username}"}) {
    EXPECT_FALSE(read_policy("b", folder, "eu-west-1").is_ok()) << folder;
  }
}

TEST(TokenEndpoint, is_the_cloud_s_own_or_the_store_s) {
  EXPECT_EQ(token_endpoint("https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
            "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(token_endpoint("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            "https://sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(token_endpoint("https://minio.example.com:9000", "us-east-1"),
            "https://minio.example.com:9000");
}

}  // namespace
}  // namespace lakehouse::s3
