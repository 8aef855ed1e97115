// SPDX-License-Identifier: PostgreSQL
// Response heads, line by line.
#include <gtest/gtest.h>

#include "core/http/head.hpp"

namespace lakehouse::http {
namespace {

TEST(Head, collects_fields_with_names_in_lower_case) {
  Head head;
  EXPECT_TRUE(head.take("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(head.take("Content-Type:  text/plain \r\n"));
  EXPECT_TRUE(head.take("X-Empty:\r\n"));
  EXPECT_FALSE(head.is_complete());
  EXPECT_TRUE(head.take("\r\n"));
  EXPECT_TRUE(head.is_complete());
  EXPECT_EQ(head.status(), 200);
  const auto headers = head.take_headers();
  EXPECT_EQ(find_header(headers, "content-type"), "text/plain");
  EXPECT_EQ(find_header(headers, "x-empty"), "");
  EXPECT_EQ(find_header(headers, "absent"), std::nullopt);
}

TEST(Head, reads_http2_status_lines) {
  Head head;
  EXPECT_TRUE(head.take("HTTP/2 404 \r\n"));
  EXPECT_TRUE(head.take("\r\n"));
  EXPECT_EQ(head.status(), 404);
}

TEST(Head, forgets_interim_responses) {
  Head head;
  for (const char* line : {"HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n", "\r\n"}) head.take(line);
  EXPECT_FALSE(head.is_complete());
  for (const char* line : {"HTTP/1.1 200 OK\r\n", "A: 1\r\n", "\r\n"}) head.take(line);
  EXPECT_TRUE(head.is_complete());
  EXPECT_EQ(head.take_headers().size(), 1U);
}

TEST(Head, drops_trailers) {
  Head head;
  for (const char* line : {"HTTP/1.1 200 OK\r\n", "A: 1\r\n", "\r\n", "A: 2\r\n", "B: 3\r\n"}) {
    EXPECT_TRUE(head.take(line));
  }
  EXPECT_EQ(head.take_headers().size(), 1U);
}

TEST(Head, joins_folded_lines) {
  Head head;
  for (const char* line : {"HTTP/1.1 200 OK\r\n", "A: one\r\n", "\t two\r\n", "\r\n"}) {
    EXPECT_TRUE(head.take(line));
  }
  EXPECT_EQ(find_header(head.take_headers(), "a"), "one two");
}

TEST(Head, reads_content_length) {
  Head head;
  head.take("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(head.content_length(), std::nullopt);
  head.take("Content-Length: 42\r\n");
  EXPECT_EQ(head.content_length(), 42U);
}

TEST(Head, refuses_too_many_fields) {
  Head head;
  head.take("HTTP/1.1 200 OK\r\n");
  for (std::size_t i = 0; i < kMaxHeaderCount; ++i) EXPECT_TRUE(head.take("A: 1\r\n"));
  EXPECT_FALSE(head.take("A: 1\r\n"));
}

TEST(Head, refuses_too_many_bytes_over_all_heads) {
  Head head;
  const std::string line = "A: " + std::string(1000, 'x') + "\r\n";
  std::size_t lines = 0;
  while (head.take("HTTP/1.1 100 Continue\r\n") && head.take(line) && head.take("\r\n")) ++lines;
  EXPECT_LE(lines * line.size(), kMaxHeadBytes);
  EXPECT_GT(lines, 50U);
}

}  // namespace
}  // namespace lakehouse::http
