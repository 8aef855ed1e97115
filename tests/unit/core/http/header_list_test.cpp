// SPDX-License-Identifier: PostgreSQL
// Request headers: what may stand in them, and the lines that result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/http/header_list.hpp"

namespace lakehouse::http {
namespace {

using ::testing::Contains;
using ::testing::Not;

std::vector<std::string> lines_of(const Request& request) {
  EXPECT_TRUE(check_headers(request).is_ok());
  const HeaderList list(request);
  std::vector<std::string> lines;
  for (const curl_slist* line = list.get(); line != nullptr; line = line->next) {
    lines.emplace_back(line->data);
  }
  return lines;
}

TEST(HeaderList, writes_headers_in_curls_form) {
  Request request;
  request.headers = {{"Accept", "application/json"}, {"X-Empty", ""}};
  const auto lines = lines_of(request);
  EXPECT_THAT(lines, Contains("Accept: application/json"));
  EXPECT_THAT(lines, Contains("X-Empty;"));
}

TEST(HeaderList, suppresses_curls_own_content_type_but_not_the_callers) {
  Request request;
  EXPECT_THAT(lines_of(request), Contains("Content-Type:"));
  request.headers = {{"content-type", "application/json"}};
  EXPECT_THAT(lines_of(request), Not(Contains("Content-Type:")));
}

TEST(HeaderList, writes_bearer_credentials) {
  Request request;
  request.bearer = Secret(std::string("t0ken"));
  EXPECT_THAT(lines_of(request), Contains("Authorization: Bearer t0ken"));
}

// RFC 7617, section 2, and RFC 4648, section 10.
TEST(HeaderList, writes_basic_credentials) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"\xff\xfe\xfd", "//79"}};
  for (const auto& [plain, encoded] : cases) {
    Request request;
    request.basic = Secret(plain);
    EXPECT_THAT(lines_of(request), Contains("Authorization: Basic " + encoded));
  }
}

TEST(HeaderList, refuses_header_injection) {
  for (const Header& header : {Header{"A", "x\r\nB: y"}, Header{"A", "x\ny"}, Header{"A\r\nB", "x"},
                               Header{"A:", "x"}, Header{"A B", "x"}, Header{"", "x"},
                               Header{"A", std::string("x\0y", 3)}, Header{"A", "\x7f"}}) {
    Request request;
    request.headers = {header};
    const Status checked = check_headers(request);
    ASSERT_FALSE(checked.is_ok()) << header.name;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(HeaderList, refuses_headers_of_the_transport) {
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Expect"}) {
    Request request;
    request.headers = {{name, "x"}};
    EXPECT_FALSE(check_headers(request).is_ok()) << name;
  }
}

TEST(HeaderList, refuses_credentials_that_break_the_line_or_contradict) {
  Request request;
  request.bearer = Secret(std::string("a\r\nX: y"));
  EXPECT_FALSE(check_headers(request).is_ok());
  request.bearer = Secret();
  EXPECT_FALSE(check_headers(request).is_ok());
  request.bearer = Secret(std::string("t"));
  request.basic = Secret(std::string("u:p"));
  EXPECT_FALSE(check_headers(request).is_ok());
}

}  // namespace
}  // namespace lakehouse::http
