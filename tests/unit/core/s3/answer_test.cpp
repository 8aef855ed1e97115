// SPDX-License-Identifier: PostgreSQL
// Answers as services write them, and what is refused.
#include "core/s3/answer.hpp"

#include <gtest/gtest.h>

namespace lakehouse::s3 {
namespace {

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::string list(const std::string& inside) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"" +
         std::string(kNamespace) + "\"><Name>b</Name><KeyCount>1</KeyCount>" + inside +
         "</ListBucketResult>";
}

std::string object(const std::string& key, const std::string& size = "12",
                   const std::string& time = "2026-01-31T23:59:58.123Z") {
  return "<Contents><Key>" + key + "</Key><LastModified>" + time +
         "</LastModified><ETag>&quot;x&quot;</ETag><Size>" + size +
         "</Size><StorageClass>STANDARD</StorageClass></Contents>";
}

TEST(Answer, a_page_of_objects_is_read) {
  const auto page = read_object_page(list("<IsTruncated>true</IsTruncated>" + object("a/b&amp;c") +
                                          object("\xC3\xBC", "0", "2026-02-01T00:00:00Z") +
                                          "<NextContinuationToken>1/x=</NextContinuationToken>"));
  ASSERT_TRUE(page.is_ok());
  EXPECT_EQ(page->continuation, "1/x=");
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key, "a/b&c");
  EXPECT_EQ(page->objects[0].bytes, 12);
  EXPECT_EQ(to_timestamp(page->objects[0].modified), "20260131T235958Z");
  EXPECT_EQ(page->objects[1].key, "\xC3\xBC");
  EXPECT_EQ(to_timestamp(page->objects[1].modified), "20260201T000000Z");
}

TEST(Answer, an_empty_page_is_the_last) {
  const auto page = read_object_page(list("<IsTruncated>false</IsTruncated>"));
  ASSERT_TRUE(page.is_ok());
  EXPECT_TRUE(page->objects.empty());
  EXPECT_EQ(page->continuation, "");
}

TEST(Answer, malformed_pages_are_refused) {
  const std::string sound = list(object("a"));
  ASSERT_TRUE(read_object_page(sound).is_ok());
  for (const std::string& xml :
       {std::string(), std::string("ok"), std::string("<html/>"), std::string("{\"a\":1}"),
        sound.substr(0, sound.size() - 5), sound.substr(0, sound.size() / 2),
        list("<IsTruncated>maybe</IsTruncated>"), list("<IsTruncated>true</IsTruncated>"),
        list("<Contents><Key>a</Key></Contents>"), list(object("")), list(object("a", "-1")),
        list(object("a", "1x")), list(object("a", "")), list(object("a", "99999999999999999999")),
        list(object("a", "1", "yesterday")), list(object("a", "1", "2026-01-31T23:59:58")),
        list(object("a", "1", "2026-01-31T23:59:58+01:00Z"))}) {
    const auto page = read_object_page(xml);
    ASSERT_FALSE(page.is_ok()) << xml;
    EXPECT_EQ(page.error().code, ErrorCode::kInvalidResponse) << xml;
  }
}

TEST(Answer, entities_of_a_document_type_are_not_expanded) {
  const auto page = read_object_page("<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>" +
                                     list(object("&a;")));
  ASSERT_TRUE(page.is_ok());
  EXPECT_EQ(page->objects.at(0).key, "&a;");
}

TEST(Answer, deep_nesting_does_no_harm) {
  std::string deep;
  for (int i = 0; i < 500'000; ++i) deep += "<a>";
  EXPECT_FALSE(read_object_page(deep).is_ok());
  std::string closed = deep;
  for (int i = 0; i < 500'000; ++i) closed += "</a>";
  EXPECT_FALSE(read_object_page(closed).is_ok());
  EXPECT_TRUE(read_object_page(list(closed)).is_ok());
}

TEST(Answer, uploads_and_their_markers_are_read) {
  const auto page = read_upload_page(
      "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
      "<NextUploadIdMarker>m</NextUploadIdMarker><Upload><Key>k</Key><UploadId>m</UploadId>"
      "<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>");
  ASSERT_TRUE(page.is_ok());
  EXPECT_EQ(page->next_key, "k");
  EXPECT_EQ(page->next_id, "m");
  ASSERT_EQ(page->uploads.size(), 1U);
  EXPECT_EQ(page->uploads[0].id, "m");
  EXPECT_FALSE(read_upload_page("<ListMultipartUploadsResult><Upload><Key>k</Key></Upload>"
                                "</ListMultipartUploadsResult>")
                   .is_ok());
}

TEST(Answer, an_upload_id_must_be_there) {
  EXPECT_EQ(*read_upload_id("<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>u-1"
                            "</UploadId></InitiateMultipartUploadResult>"),
            "u-1");
  EXPECT_FALSE(read_upload_id("<InitiateMultipartUploadResult/>").is_ok());
  EXPECT_FALSE(read_upload_id("<Other><UploadId>u</UploadId></Other>").is_ok());
}

TEST(Answer, a_completion_may_say_that_it_failed) {
  EXPECT_TRUE(
      is_completion("<CompleteMultipartUploadResult><ETag>x</ETag>"
                    "</CompleteMultipartUploadResult>"));
  EXPECT_FALSE(is_completion("<Error><Code>InternalError</Code></Error>"));
  EXPECT_FALSE(is_completion(""));
}

TEST(Answer, a_session_has_three_parts_and_an_end) {
  const std::string xml =
      "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"
      "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s/+</SecretAccessKey>"
      "<SessionToken>t==</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>"
      "</AssumeRoleResult></AssumeRoleResponse>";
  const auto session = read_session(xml);
  ASSERT_TRUE(session.is_ok());
  EXPECT_EQ(session->credentials.access_key_id, "ASIA1");
  EXPECT_EQ(session->credentials.secret_access_key.reveal(), "s/+");
  EXPECT_EQ(session->credentials.session_token.reveal(), "t==");
  EXPECT_EQ(to_timestamp(session->expires), "20260101T010000Z");
  for (const std::string part : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}) {
    std::string without = xml;
    without.replace(without.find(part), part.size(), "x");
    without.replace(without.find(part), part.size(), "x");
    EXPECT_FALSE(read_session(without).is_ok()) << part;
  }
}

TEST(Answer, an_error_is_known_by_its_code_alone) {
  EXPECT_EQ(read_error_code("<Error><Code>NoSuchKey</Code><Message>m</Message></Error>"),
            "NoSuchKey");
  EXPECT_EQ(read_error_code("<ErrorResponse><Error><Code>AccessDenied</Code></Error>"
                            "</ErrorResponse>"),
            "AccessDenied");
  EXPECT_EQ(read_error_code("<Error><Code>a b\n</Code></Error>"), "");
  EXPECT_EQ(read_error_code("<Error><Code>" + std::string(65, 'a') + "</Code></Error>"), "");
  EXPECT_EQ(read_error_code("not xml"), "");
}

}  // namespace
}  // namespace lakehouse::s3
