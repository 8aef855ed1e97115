// SPDX-License-Identifier: PostgreSQL
// Renders log lines, and hands them to spdlog for writing.
#include "worker/log/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <type_traits>

#include "worker/json/text.hpp"

namespace lakehouse::worker::log {
namespace {

// A line stays below PIPE_BUF in practice, so that lines of two processes on one pipe don't mix.
constexpr std::size_t kMaxTextBytes = 1024;
constexpr LogLevel kThreshold = LogLevel::kInfo;

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};
constexpr std::array<spdlog::level::level_enum, 4> kSpdlogLevels = {
    spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};

std::string utc(std::chrono::system_clock::time_point ts) {
  using std::chrono::microseconds;
  const auto since = std::chrono::duration_cast<microseconds>(ts.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(since / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                    parts.tm_min, parts.tm_sec, static_cast<int>(since % 1'000'000));
  return {text.data(), static_cast<std::size_t>(length)};
}

void append_member(std::string& line, std::string_view name, std::string_view text) {
  line += line.size() > 1 ? "," : "";
  json::append_quoted(line, name);
  line.push_back(':');
  json::append_quoted(line, text.substr(0, kMaxTextBytes));
}

void append_field(std::string& line, const Field& field) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_member(line, field.name, *text);
    return;
  }
  line.push_back(',');
  json::append_quoted(line, field.name);
  line.push_back(':');
  if (const auto* flag = std::get_if<bool>(&field.value)) line += *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) line += std::to_string(*number);
  if (const auto* count = std::get_if<std::uint64_t>(&field.value)) line += std::to_string(*count);
}

}  // namespace

Log::Log() : Log(std::make_shared<spdlog::sinks::stderr_sink_mt>()) {}

Log::Log(std::shared_ptr<spdlog::sinks::sink> sink)
    : logger_(std::make_shared<spdlog::logger>("lakehouse", std::move(sink))) {
  logger_->set_pattern("%v");
  logger_->set_level(spdlog::level::trace);
  logger_->flush_on(spdlog::level::trace);
  logger_->set_error_handler([](const std::string&) {});
}

void Log::write(LogLevel level, std::string_view message, std::string_view request_id,
                Fields fields) noexcept {
  write_all(level, message, request_id, fields, {});
}

void Log::failure(std::string_view message, const Error& error, std::string_view request_id,
                  Fields fields) noexcept {
  const ErrorCodeFacts& facts = facts_of(error.code);
  write_all(facts.log_level, message, request_id, fields,
            {{"code", facts.name}, {"error", std::string_view(error.message)}});
}

void Log::write_all(LogLevel level, std::string_view message, std::string_view request_id,
                    Fields fields, Fields more) noexcept {
  if (level < kThreshold) return;
  try {
    const std::string line =
        render(std::chrono::system_clock::now(), level, message, request_id, fields, more);
    logger_->log(kSpdlogLevels[static_cast<std::size_t>(level)],
                 spdlog::string_view_t(line.data(), line.size()));
  } catch (const std::exception&) {  // no memory for a log line: the request matters more
  }
}

std::string render(std::chrono::system_clock::time_point ts, LogLevel level,
                   std::string_view message, std::string_view request_id, Fields fields,
                   Fields more) {
  std::string line = "{";
  append_member(line, "ts", utc(ts));
  append_member(line, "level", kLevelNames[static_cast<std::size_t>(level)]);
  append_member(line, "message", message);
  if (!request_id.empty()) append_member(line, "request_id", request_id);
  for (const Field& field : fields) append_field(line, field);
  for (const Field& field : more) append_field(line, field);
  line.push_back('}');
  return line;
}

}  // namespace lakehouse::worker::log
