// SPDX-License-Identifier: PostgreSQL
// Which bytes of a file are answered with.
#include "worker/http/range.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lakehouse::worker::http {
namespace {

constexpr std::uint64_t kSize = 1000;

std::string header(const Part& part, std::string_view name) {
  for (const Header& header : part.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

Part part_of(std::vector<Header> headers, const std::string& method = "GET",
             std::uint64_t size = kSize) {
  Request request;
  request.method = method;
  request.headers = std::move(headers);
  return choose_part(request, size, "v1");
}

Part ranged(const std::string& range, std::uint64_t size = kSize) {
  return part_of({{"range", range}}, "GET", size);
}

// "206 bytes 0-9/1000 @0+10"
std::string brief(const Part& part) {
  return std::to_string(part.status) + " " + header(part, "Content-Range") + " @" +
         std::to_string(part.offset) + "+" + std::to_string(part.length);
}

const std::string kWhole = "200  @0+1000";

TEST(Range, without_one_the_file_is_whole) {
  const Part part = part_of({});
  EXPECT_EQ(brief(part), kWhole);
  EXPECT_EQ(header(part, "ETag"), "\"v1\"");
  EXPECT_EQ(header(part, "Accept-Ranges"), "bytes");
  EXPECT_EQ(brief(part_of({}, "GET", 0)), "200  @0+0");
}

TEST(Range, gives_the_bytes_asked_for) {
  EXPECT_EQ(brief(ranged("bytes=0-9")), "206 bytes 0-9/1000 @0+10");
  EXPECT_EQ(brief(ranged("bytes=500-500")), "206 bytes 500-500/1000 @500+1");
  EXPECT_EQ(brief(ranged("bytes=990-")), "206 bytes 990-999/1000 @990+10");
  EXPECT_EQ(brief(ranged("bytes=-10")), "206 bytes 990-999/1000 @990+10");
  const Part part = ranged("bytes=0-9");
  EXPECT_EQ(header(part, "ETag"), "\"v1\"");
  EXPECT_EQ(header(part, "Accept-Ranges"), "bytes");
}

TEST(Range, is_partial_even_if_it_is_the_whole_file) {
  const std::string all = "206 bytes 0-999/1000 @0+1000";
  EXPECT_EQ(brief(ranged("bytes=0-")), all);
  EXPECT_EQ(brief(ranged("bytes=0-999")), all);
  EXPECT_EQ(brief(ranged("bytes=-1000")), all);
}

TEST(Range, ends_where_the_file_ends) {
  EXPECT_EQ(brief(ranged("bytes=990-1000")), "206 bytes 990-999/1000 @990+10");
  EXPECT_EQ(brief(ranged("bytes=990-99999999999999999999999")), "206 bytes 990-999/1000 @990+10");
  EXPECT_EQ(brief(ranged("bytes=-1001")), "206 bytes 0-999/1000 @0+1000");
  EXPECT_EQ(brief(ranged("bytes=-18446744073709551616")), "206 bytes 0-999/1000 @0+1000");
}

TEST(Range, behind_the_file_is_not_satisfiable) {
  for (const char* range : {"bytes=1000-", "bytes=1000-2000", "bytes=-0",
                            "bytes=18446744073709551615-", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(brief(ranged(range)), "416 bytes */1000 @0+0") << range;
  }
  EXPECT_EQ(brief(ranged("bytes=0-", 0)), "416 bytes */0 @0+0");
}

TEST(Range, at_the_end_of_an_empty_file_gives_the_file) {
  EXPECT_EQ(brief(ranged("bytes=-5", 0)), "200  @0+0");
}

TEST(Range, of_a_size_beyond_32_bits) {
  const std::uint64_t size = 5'000'000'000;
  EXPECT_EQ(brief(ranged("bytes=4999999990-", size)),
            "206 bytes 4999999990-4999999999/5000000000 @4999999990+10");
}

TEST(Range, takes_the_unit_in_any_case_and_empty_elements) {
  EXPECT_EQ(brief(ranged("Bytes=0-9")), "206 bytes 0-9/1000 @0+10");
  EXPECT_EQ(brief(ranged("bytes=, 0-9\t,,")), "206 bytes 0-9/1000 @0+10");
}

TEST(Range, that_is_malformed_is_ignored) {
  for (const char* range :
       {"",           "bytes",        "bytes=",     "bytes=,",     "bytes=-",   "bytes=9",
        "bytes=9-0",  "bytes=a-9",    "bytes=0-b",  "bytes=0-9-",  "bytes=--9", "bytes=+0-9",
        "bytes=0 -9", "bytes= = 0-9", "bytes =0-9", " bytes=0-9x", "bytes:0-9", "bytes=0x0-9",
        "items=0-9",  "0-9"}) {
    EXPECT_EQ(brief(ranged(range)), kWhole) << range;
  }
  EXPECT_EQ(brief(part_of({{"range", "bytes=0-9"}, {"range", "bytes=0-9"}})), kWhole);
}

TEST(Range, of_several_is_ignored) {
  EXPECT_EQ(brief(ranged("bytes=0-9,20-29")), kWhole);
  EXPECT_EQ(brief(ranged("bytes=0-9,2000-")), kWhole);
}

TEST(Range, has_no_meaning_for_head) {
  EXPECT_EQ(brief(part_of({{"range", "bytes=0-9"}}, "HEAD")), kWhole);
  EXPECT_EQ(brief(part_of({{"range", "bytes=1000-"}}, "HEAD")), kWhole);
}

TEST(Range, holds_if_the_file_is_still_the_same) {
  const Header range{"range", "bytes=0-9"};
  EXPECT_EQ(part_of({range, {"if-range", "\"v1\""}}).status, 206);
  for (const char* other : {"\"v2\"", "W/\"v1\"", "v1", "", "*", "Sun, 06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(brief(part_of({range, {"if-range", other}})), kWhole) << other;
  }
  EXPECT_EQ(brief(part_of({range, {"if-range", "\"v1\""}, {"if-range", "\"v1\""}})), kWhole);
  EXPECT_EQ(brief(part_of({{"range", "bytes=1000-"}, {"if-range", "\"v2\""}})), kWhole);
}

TEST(Precondition, that_the_client_has_another_one) {
  for (const char* same : {"\"v1\"", "W/\"v1\"", "*", "\"v0\", \"v1\"", "\"a,b\",,W/\"v1\""}) {
    const Part part = part_of({{"if-none-match", same}, {"range", "bytes=0-9"}});
    EXPECT_EQ(brief(part), "304  @0+0") << same;
    EXPECT_EQ(header(part, "ETag"), "\"v1\"");
    EXPECT_EQ(part_of({{"if-none-match", same}}, "HEAD").status, 304) << same;
  }
  for (const char* other : {"\"v2\"", "v1", "", "\"v", "\"V1\"", "\"v1 \"", "x\"v1\"", "W/v1"}) {
    EXPECT_EQ(brief(part_of({{"if-none-match", other}})), kWhole) << other;
  }
  EXPECT_EQ(part_of({{"if-none-match", "\"a\""}, {"if-none-match", "\"v1\""}}).status, 304);
}

TEST(Precondition, that_the_file_is_the_one_meant) {
  EXPECT_EQ(part_of({{"if-match", "\"v1\""}}).status, 200);
  EXPECT_EQ(part_of({{"if-match", "*"}}).status, 200);
  EXPECT_EQ(part_of({{"if-match", "\"v0\", \"v1\""}, {"range", "bytes=0-9"}}).status, 206);
  for (const char* other : {"\"v2\"", "W/\"v1\"", "v1", ""}) {
    EXPECT_EQ(brief(part_of({{"if-match", other}, {"if-none-match", "*"}})), "412  @0+0") << other;
  }
}

}  // namespace
}  // namespace lakehouse::worker::http
