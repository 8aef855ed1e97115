// SPDX-License-Identifier: PostgreSQL
// Bodies of queries: what is read, dropped and refused.
#include "worker/sharing/query_request.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::sharing {
namespace {

QueryRequest taken(std::string_view body) {
  auto parsed = QueryRequest::parse(body);
  EXPECT_EQ(refusal_of(parsed), nullptr) << body;
  return std::holds_alternative<QueryRequest>(parsed) ? std::get<QueryRequest>(parsed)
                                                      : QueryRequest();
}

std::string refused(std::string_view body) {
  auto parsed = QueryRequest::parse(body);
  const http::Response* refusal = refusal_of(parsed);
  return refusal == nullptr ? "" : refusal->body;
}

TEST(SharingQueryRequest, of_an_empty_body_asks_for_everything) {
  for (const char* body : {"", " \r\n", "{}", R"({"version":null,"predicateHints":null})"}) {
    const QueryRequest request = taken(body);
    EXPECT_FALSE(request.version || request.limit || request.has_hints());
  }
}

TEST(SharingQueryRequest, reads_every_member) {
  const QueryRequest request =
      taken(R"({"predicateHints":["a = 1","b = 2"],"jsonPredicateHints":"{}","limitHint":7,)"
            R"("maxFiles":2,"pageToken":"p","includeRefreshToken":true,)"
            R"("includeHistoricalProtocol":true,"idempotencyKey":"k","idempotency_key":5})");
  EXPECT_EQ(request.predicate_hints, (std::vector<std::string>{"a = 1", "b = 2"}));
  EXPECT_EQ(request.json_predicate_hints, "{}");
  EXPECT_EQ(request.limit, 7);
  EXPECT_EQ(request.max_files, 2);
  EXPECT_EQ(request.page_token, "p");
  EXPECT_TRUE(request.wants_refresh_token && request.wants_historical_protocol);
  EXPECT_EQ(taken(R"({"startingVersion":1,"endingVersion":2})").ending_version, 2);
  EXPECT_EQ(taken(R"({"timestamp":"1970-01-01T00:00:01Z"})").timestamp_us, 1'000'000);
}

TEST(SharingQueryRequest, drops_hints_of_another_kind) {
  const QueryRequest request =
      taken(R"({"predicateHints":[1,"a = 1"],"jsonPredicateHints":{"op":"and"},"limitHint":-1})");
  EXPECT_EQ(request.predicate_hints.size(), 1U);
  EXPECT_TRUE(request.json_predicate_hints.empty());
  EXPECT_FALSE(request.limit);
}

TEST(SharingQueryRequest, refuses_members_of_another_kind) {
  for (const char* body :
       {R"({"version":"1"})", R"({"version":1.5})", R"({"version":-1})", R"({"maxFiles":0})",
        R"({"timestamp":"2026-01-01"})", R"({"pageToken":1})", R"({"includeRefreshToken":1})"}) {
    EXPECT_NE(refused(body).find("INVALID_PARAMETER_VALUE"), std::string::npos) << body;
  }
  for (const char* body :
       {"[]", "7", "{", R"({"a":1,"a":2})", R"({"version":99999999999999999999})"}) {
    EXPECT_NE(refused(body).find("MALFORMED_REQUEST"), std::string::npos) << body;
  }
}

TEST(SharingQueryRequest, refuses_what_excludes_each_other) {
  for (const char* body :
       {R"({"version":1,"timestamp":"2026-01-01T00:00:00Z"})",
        R"({"version":1,"startingVersion":0})", R"({"endingVersion":1})",
        R"({"startingVersion":2,"endingVersion":1})", R"({"refreshToken":"r","version":1})",
        R"({"includeRefreshToken":true,"startingVersion":0})"}) {
    EXPECT_NE(refused(body).find("INVALID_PARAMETER_VALUE"), std::string::npos) << body;
  }
}

}  // namespace
}  // namespace lakehouse::worker::sharing
