// SPDX-License-Identifier: PostgreSQL
// Asks for the report and lays it out in two columns.
#include "worker/command/status.hpp"

#include <array>
#include <ctime>
#include <string_view>

#include "worker/command/call.hpp"

namespace lakehouse::worker::command {
namespace {

std::string utc(std::int64_t unix_us) {
  const std::time_t seconds = static_cast<std::time_t>(unix_us / 1'000'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

void add(std::string& lines, std::string_view name, const std::string& value) {
  constexpr std::size_t kNameWidth = 18;
  lines += name;
  lines.append(name.size() < kNameWidth ? kNameWidth - name.size() : 1, ' ');
  lines += value + "\n";
}

}  // namespace

Result<std::string> show_status(const std::string& socket_directory) {
  auto report = call_worker<wire::WorkerReport>(socket_directory, wire::WorkerStatus{});
  if (!report) return report.error();
  return to_text(*report);
}

std::string to_text(const wire::WorkerReport& report) {
  std::string lines;
  add(lines, "version", report.version);
  add(lines, "process id", std::to_string(report.process_id));
  add(lines, "started", utc(report.started_at_us));
  add(lines, "http address", report.listen.empty() ? "not listening" : report.listen);
  add(lines, "database", report.database_is_ok ? "reachable" : "not reachable");
  add(lines, "vault key id", std::to_string(report.key_id));
  add(lines, "open scans", std::to_string(report.open_scans));
  add(lines, "scans", std::to_string(report.scans));
  add(lines, "failed scans", std::to_string(report.failed_scans));
  add(lines, "rows", std::to_string(report.rows));
  add(lines, "bytes received", std::to_string(report.bytes_received));
  add(lines, "http requests", std::to_string(report.http_requests));
  add(lines, "http retries", std::to_string(report.http_retries));
  return lines;
}

}  // namespace lakehouse::worker::command
