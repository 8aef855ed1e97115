// SPDX-License-Identifier: PostgreSQL
// What clients say they can read, and what they get.
#include "worker/sharing/capabilities.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::sharing {
namespace {

Or<Capabilities> read(const std::string& capabilities, const char* hash = nullptr) {
  http::Request request;
  request.headers.push_back({"delta-sharing-capabilities", capabilities});
  if (hash != nullptr) request.headers.push_back({"fileidhash", hash});
  return read_capabilities(request);
}

Capabilities taken(const std::string& capabilities, const char* hash = nullptr) {
  auto answer = read(capabilities, hash);
  EXPECT_EQ(refusal_of(answer), nullptr);
  return std::get<Capabilities>(answer);
}

TEST(SharingCapabilities, choose_parquet_where_both_are_read) {
  for (const char* text : {"", "responseformat=parquet,delta", "responseFormat=DELTA , Parquet",
                           "responseformat=both", "readerfeatures=deletionvectors;=;;x"}) {
    EXPECT_EQ(taken(text).format, Format::kParquet) << text;
    EXPECT_EQ(taken(text).granted(), "responseformat=parquet");
  }
  EXPECT_EQ(taken("readerfeatures=a,b; responseformat=delta").format, Format::kDelta);
}

TEST(SharingCapabilities, promise_an_end_of_stream_to_who_asks) {
  EXPECT_EQ(taken("responseformat=delta;includeEndStreamAction=true").granted(),
            "responseformat=delta;includeendstreamaction=true");
  EXPECT_FALSE(taken("includeendstreamaction=1").has_end_of_stream);
}

TEST(SharingCapabilities, hash_ids_as_the_format_does_unless_asked) {
  EXPECT_EQ(taken("").id_hash, IdHash::kMd5);
  EXPECT_EQ(taken("responseformat=delta").id_hash, IdHash::kSha256);
  EXPECT_EQ(taken("", "Delta").id_hash_name(), "delta");
  EXPECT_EQ(taken("responseformat=delta", "parquet").id_hash, IdHash::kMd5);
  EXPECT_FALSE(taken("").is_id_hash_asked);
}

TEST(SharingCapabilities, refuse_what_is_neither) {
  for (const auto& [text, hash] :
       {std::pair{"responseformat=csv", static_cast<const char*>(nullptr)},
        {"responseformat=", nullptr},
        {"", "sha1"},
        {"", ""}}) {
    auto answer = read(text, hash);
    ASSERT_NE(refusal_of(answer), nullptr) << text;
    EXPECT_EQ(refusal_of(answer)->status, 400);
  }
}

}  // namespace
}  // namespace lakehouse::worker::sharing
