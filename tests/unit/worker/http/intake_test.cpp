// SPDX-License-Identifier: PostgreSQL
// Bytes to requests: every cut of a good one, and every framing that two readers could understand
// differently.
#include "worker/http/intake.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::http {
namespace {

using namespace std::string_literals;

using Progress = Intake::Progress;

Limits small_limits() {
  Limits limits;
  limits.header_bytes = 2048;
  limits.body_bytes = 1024;
  return limits;
}
const Limits kLimits = small_limits();

// 0 if a request came out, -1 if it waits for more.
int status_of(std::string_view bytes) {
  Intake intake(kLimits);
  intake.add(bytes);
  const Progress progress = intake.advance();
  if (progress == Progress::kRefused) return intake.refusal().status;
  return progress == Progress::kRequest ? 0 : -1;
}

TEST(Intake, takes_a_request_cut_anywhere) {
  const std::string bytes =
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3;extension=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Intake intake(kLimits);
    intake.add(std::string_view(bytes).substr(0, cut));
    if (cut < bytes.size()) {
      ASSERT_NE(intake.advance(), Progress::kRefused) << cut;
    }
    intake.add(std::string_view(bytes).substr(cut));
    ASSERT_EQ(intake.advance(), Progress::kRequest) << cut;
    const auto received = intake.release();
    EXPECT_EQ(received.request.path, "/a");
    EXPECT_EQ(received.request.query, "b=c");
    EXPECT_EQ(received.request.body, "abcde");
    EXPECT_TRUE(intake.is_empty());
  }
}

TEST(Intake, takes_no_trailer_for_a_header) {
  Intake intake(kLimits);
  intake.add(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nAuthorization: Bearer forged\r\n\r\n");
  ASSERT_EQ(intake.advance(), Progress::kRequest);
  EXPECT_EQ(intake.release().request.header("authorization"), "");
}

TEST(Intake, keeps_what_follows_for_the_next_request) {
  Intake intake(kLimits);
  intake.add("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.0\r\n\r\nGET");
  ASSERT_EQ(intake.advance(), Progress::kRequest);
  const auto first = intake.release();
  EXPECT_EQ(first.request.path, "/1");
  EXPECT_TRUE(first.is_kept_alive);
  ASSERT_EQ(intake.advance(), Progress::kRequest);
  const auto second = intake.release();
  EXPECT_EQ(second.request.path, "/2");
  EXPECT_FALSE(second.is_kept_alive);
  EXPECT_EQ(intake.advance(), Progress::kHead);
}

TEST(Intake, says_continue_once_to_a_client_that_waits) {
  Intake intake(kLimits);
  intake.add("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n");
  ASSERT_EQ(intake.advance(), Progress::kBody);
  EXPECT_TRUE(intake.must_say_continue());
  EXPECT_FALSE(intake.must_say_continue());
}

TEST(Intake, takes_the_absolute_form_of_the_same_host) {
  EXPECT_EQ(status_of("GET http://x:80/a HTTP/1.1\r\nHost: X:80\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET HTTPS://x HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
  EXPECT_EQ(status_of("GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET http://x@y/a HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET ftp://x/a HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

struct Case {
  const char* name;
  std::string bytes;
  int status;
  friend void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }
};
class IntakeRefuses : public testing::TestWithParam<Case> {};

TEST_P(IntakeRefuses, with_a_status) { EXPECT_EQ(status_of(GetParam().bytes), GetParam().status); }

std::string post(const std::string& fields, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

INSTANTIATE_TEST_SUITE_P(
    Framing, IntakeRefuses,
    testing::Values(
        Case{"length_and_chunked",
             post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Case{"chunked_and_length",
             post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), 400},
        Case{"two_lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), 400},
        Case{"one_length_twice", post("Content-Length: 1\r\nContent-Length: 1\r\n", "a"), 400},
        Case{"list_of_lengths", post("Content-Length: 1, 1\r\n", "a"), 400},
        Case{"signed_length", post("Content-Length: +1\r\n", "a"), 400},
        Case{"negative_length", post("Content-Length: -1\r\n", "a"), 400},
        Case{"hexadecimal_length", post("Content-Length: 0x1\r\n", "a"), 400},
        Case{"empty_length", post("Content-Length:\r\n"), 400},
        Case{"overflowing_length", post("Content-Length: 18446744073709551617\r\n", "a"), 400},
        Case{"large_length", post("Content-Length: 1025\r\n"), 413},
        Case{"two_codings",
             post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
             400},
        Case{"list_of_codings", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
        Case{"coding_after_chunked", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
             400},
        Case{"identity", post("Transfer-Encoding: identity\r\n"), 400},
        Case{"misspelt_coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
        Case{"quoted_coding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400},
        Case{"coding_in_http_1_0",
             "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Case{"chunk_without_size", chunked("\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_with_bad_size", chunked("3x\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_with_signed_size", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_with_prefixed_size", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_with_overflowing_size", chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"), 413},
        Case{"chunk_longer_than_its_size", chunked("2\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_size_ended_by_lf", chunked("3\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_ended_by_lf", chunked("3\r\nabc\n0\r\n\r\n"), 400},
        Case{"chunk_extension_ended_by_lf", chunked("3;a\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_size_after_space", chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_size_before_space", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunk_extension_with_cr", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400},
        Case{"chunks_without_end", chunked("3\r\nabc0\r\n\r\n"), 400},
        Case{"folded_trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), 400},
        Case{"trailer_without_colon", chunked("0\r\nA\r\n\r\n"), 400},
        Case{"endless_trailers",
             [] {
               std::string bytes = "0\r\n";
               for (int i = 0; i < 1025; ++i) bytes += "A: b\r\n";
               return chunked(bytes);
             }(),
             400},
        Case{"endless_chunk_extension", chunked("3;a=" + std::string(10'000, 'x')), 400},
        Case{"large_chunks", chunked("401\r\n" + std::string(1025, 'x') + "\r\n0\r\n\r\n"), 413}),
    [](const auto& tested) { return tested.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Head, IntakeRefuses,
    testing::Values(
        Case{"lf_after_request_line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
        Case{"lf_after_field", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400},
        Case{"cr_in_field", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400},
        Case{"nul_in_field", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"s, 400},
        Case{"folded_field", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
        Case{"folded_first_field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
        Case{"space_before_colon", post("Content-Length : 1\r\n", "a"), 400},
        Case{"tab_before_colon", post("Content-Length\t: 1\r\n", "a"), 400},
        Case{"space_in_name", "GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400},
        Case{"no_name", "GET / HTTP/1.1\r\nHost: x\r\n: c\r\n\r\n", 400},
        Case{"no_colon", "GET / HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n", 400},
        Case{"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
        Case{"two_hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
        Case{"version_2", "PRI * HTTP/2.0\r\n\r\n", 400}, Case{"version_0_9", "GET /\r\n\r\n", 400},
        Case{"version_1_2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 400},
        Case{"version_in_lower_case", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
        Case{"two_spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Case{"space_in_target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Case{"fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Case{"no_slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Case{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Case{"authority", "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 400},
        Case{"tls", "\x16\x03\x01\x02\r\n\r\n", 400},
        Case{"unknown_expectation", post("Expect: 200-ok\r\n"), 417},
        Case{"long_target", "GET /" + std::string(1000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 0},
        Case{"large_head", "GET / HTTP/1.1\r\nA: " + std::string(2048, 'x') + "\r\n\r\n", 431},
        Case{"endless_head", std::string(2049, 'x'), 431},
        Case{"many_fields",
             [] {
               std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n";
               for (int i = 0; i < 100; ++i) bytes += "A: b\r\n";
               return bytes + "\r\n";
             }(),
             431}),
    [](const auto& tested) { return tested.param.name; });

TEST(Intake, refuses_a_target_of_more_than_8_kilobytes) {
  Limits limits;
  Intake intake(limits);
  intake.add("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_EQ(intake.advance(), Progress::kRefused);
  EXPECT_EQ(intake.refusal().status, 414);
}

TEST(Intake, ignores_an_upgrade) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
            0);
}

}  // namespace
}  // namespace lakehouse::worker::http
