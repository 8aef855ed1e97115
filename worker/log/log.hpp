// SPDX-License-Identifier: PostgreSQL
// Structured log: one JSON object a line on standard error, where the server's log collector reads
// it. Never given to it: secrets, SQL text, parameter values, an Error's detail (it may quote a
// statement).
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/error.hpp"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace lakehouse::worker::log {

struct Field {
  std::string_view name;  // [a-z_]+, chosen by us
  std::variant<std::string_view, std::int64_t, std::uint64_t, bool> value;
};
using Fields = std::initializer_list<Field>;

class Log {
 public:
  Log();  // to standard error
  explicit Log(std::shared_ptr<spdlog::sinks::sink> sink);

  // Safe from any thread; never throws: a log that can't be written is no reason to fail a request.
  void write(LogLevel level, std::string_view message, std::string_view request_id = {},
             Fields fields = {}) noexcept;

  // An Error as a line: its level by its code, its message and code as fields.
  void failure(std::string_view message, const Error& error, std::string_view request_id = {},
               Fields fields = {}) noexcept;

 private:
  void write_all(LogLevel level, std::string_view message, std::string_view request_id,
                 Fields fields, Fields more) noexcept;
  std::shared_ptr<spdlog::logger> logger_;
};

// The line without its end. `ts` is UTC with microseconds (RFC 3339).
std::string render(std::chrono::system_clock::time_point ts, LogLevel level,
                   std::string_view message, std::string_view request_id, Fields fields,
                   Fields more = {});

}  // namespace lakehouse::worker::log
