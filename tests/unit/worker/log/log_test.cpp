// SPDX-License-Identifier: PostgreSQL
// Log lines: one JSON object each, whatever is in them.
#include "worker/log/log.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <sstream>
#include <thread>
#include <vector>

namespace lakehouse::worker::log {
namespace {

class LogTest : public testing::Test {
 protected:
  std::ostringstream text_;
  Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)};
};

TEST(LogLine, has_time_level_message_request_and_fields) {
  const auto ts =
      std::chrono::system_clock::time_point(std::chrono::microseconds(1'700'000'000'000'001));
  EXPECT_EQ(
      render(ts, LogLevel::kWarning, "scan failed", "12-3",
             {{"rows", std::uint64_t{5}}, {"span", std::int64_t{-1}}, {"ok", false}, {"id", "q"}}),
      R"({"ts":"2023-11-14T22:13:20.000001Z","level":"warning","message":"scan failed",)"
      R"("request_id":"12-3","rows":5,"span":-1,"ok":false,"id":"q"})");
}

TEST(LogLine, leaves_out_an_absent_request) {
  EXPECT_EQ(render({}, LogLevel::kInfo, "m", "", {}),
            R"({"ts":"1970-01-01T00:00:00.000000Z","level":"info","message":"m"})");
}

TEST(LogLine, bounds_every_text) {
  const std::string longest(100'000, 'x');
  EXPECT_LT(render({}, LogLevel::kInfo, longest, "", {{"f", std::string_view(longest)}}).size(),
            2200U);
}

TEST_F(LogTest, writes_one_line_an_entry_even_for_a_message_with_newlines) {
  log_.write(LogLevel::kInfo, "two\nlines {} %v");
  const std::string text = text_.str();
  EXPECT_NE(text.find(R"("message":"two\nlines {} %v")"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(LogTest, writes_no_debug_lines) {
  log_.write(LogLevel::kDebug, "hidden");
  EXPECT_EQ(text_.str(), "");
}

TEST_F(LogTest, tells_code_and_message_of_an_error_but_never_its_detail) {
  log_.failure("scan failed", {ErrorCode::kRemoteSql, "remote failed", "canary statement", ""},
               "1-1");
  EXPECT_NE(text_.str().find(R"("code":"REMOTE_SQL","error":"remote failed")"), std::string::npos);
  EXPECT_EQ(text_.str().find("canary"), std::string::npos);
}

TEST_F(LogTest, keeps_lines_of_many_threads_apart) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 50; ++n) log_.write(LogLevel::kInfo, "line");
    });
  }
  threads.clear();
  std::istringstream lines(text_.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_TRUE(line.starts_with("{\"ts\"") && line.ends_with("\"message\":\"line\"}")) << line;
  }
  EXPECT_EQ(count, 400);
}

}  // namespace
}  // namespace lakehouse::worker::log
