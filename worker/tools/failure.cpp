// SPDX-License-Identifier: PostgreSQL
// The one table from SQLSTATE to the codes of tools. A refusal of the guard is told by its message,
// which ends with its code.
#include "worker/tools/failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace lakehouse::worker::tools {
namespace {

struct Meaning {
  std::string_view prefix;  // of the SQLSTATE; the first match counts
  const char* code;
};

constexpr const char* kInvalidQuery = "INVALID_QUERY";

constexpr auto kMeanings = std::to_array<Meaning>({
    {"P0002", "NOT_FOUND"},
    {"40", "CONFLICT"},
    {"23505", "CONFLICT"},
    {"57014", "TIMEOUT"},
    {"55P03", "TIMEOUT"},
    {"42501", "FORBIDDEN"},
    {"28", "FORBIDDEN"},
    {"53400", "RATE_LIMITED"},
    {"22", "INVALID_ARGUMENT"},
    {"23", "INVALID_ARGUMENT"},
    {"P0001", "INVALID_ARGUMENT"},
    {"54", "INVALID_ARGUMENT"},
});
// Everything else is no fault of the caller's, as long as the text is ours.
constexpr const char* kElse = "UNAVAILABLE";

// Classes of SQLSTATE that are a fault of the text.
constexpr auto kFaultsOfText = std::to_array<std::string_view>(
    {"22", "21", "2F", "38", "39", "42", "44", "54", "0A", "34", "25"});

constexpr auto kGuardCodes = std::to_array<std::string_view>(
    {"MULTI_STATEMENT", "DDL_FORBIDDEN", "DML_FORBIDDEN", "STATEMENT_NOT_ALLOWED",
     "TABLE_NOT_ALLOW_LISTED", "COLUMN_NOT_ALLOW_LISTED", "FUNCTION_NOT_ALLOW_LISTED",
     "TYPE_NOT_ALLOW_LISTED", "QUERY_TOO_COMPLEX", "PAYLOAD_CAP_EXCEEDED"});

const char* code_of(std::string_view state, Author author) {
  if (author == Author::kModel &&
      std::ranges::find(kFaultsOfText, state.substr(0, 2)) != kFaultsOfText.end() &&
      state != "42501")
    return kInvalidQuery;
  const auto* found = std::ranges::find_if(
      kMeanings, [&](const Meaning& meaning) { return state.starts_with(meaning.prefix); });
  return found == kMeanings.end() ? kElse : found->code;
}

// What stands in quotation marks before `is refused`.
std::string token_in(std::string_view message) {
  const std::size_t begin = message.find('"'), end = message.rfind("\" is refused (");
  if (begin == std::string_view::npos || end == std::string_view::npos || end <= begin) return {};
  return std::string(message.substr(begin + 1, end - begin - 1));
}

Failure refusal_of(const db::Report& report, const std::string& guard_code) {
  const std::string token = token_in(report.message);
  std::string details = guard_code;
  if (!token.empty()) details += " \"" + token + "\"";
  if (!report.detail.empty()) details += ": " + report.detail;
  return {kInvalidQuery, report.message, details, report.hint};
}

}  // namespace

std::string guard_code_of(const db::Report& report) {
  constexpr std::string_view kRefused = " is refused (";
  const std::size_t at = report.message.rfind(kRefused);
  if (at == std::string::npos || !report.message.ends_with(')')) return {};
  const std::size_t begin = at + kRefused.size();
  const std::string code = report.message.substr(begin, report.message.size() - begin - 1);
  return std::ranges::find(kGuardCodes, code) == kGuardCodes.end() ? std::string() : code;
}

Failure failure_of(const db::Report& report, Author author) {
  if (const std::string code = guard_code_of(report); !code.empty()) {
    return refusal_of(report, code);
  }
  const std::string_view state = report.sqlstate;
  if (state.starts_with("XX") || state.empty()) {
    return {kElse, "the tool failed",
            "The server's log says why; SQLSTATE " + report.sqlstate + ".", ""};
  }
  return {code_of(state, author), report.message, report.detail, report.hint};
}

}  // namespace lakehouse::worker::tools
