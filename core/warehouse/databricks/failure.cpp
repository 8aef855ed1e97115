// SPDX-License-Identifier: PostgreSQL
// Two tables (SQLSTATE and error_code to our codes) and the wording.
#include "core/warehouse/databricks/failure.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/warehouse/excerpt.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

constexpr std::size_t kMaxDetailBytes = 1024;

struct CodeRow {
  std::string_view remote;
  ErrorCode code;
};

constexpr std::array<CodeRow, 8> kSqlStates{{
    {"42P01", ErrorCode::kTableNotFound},  // table or view
    {"42704", ErrorCode::kTableNotFound},  // schema or catalog
    {"3D000", ErrorCode::kTableNotFound},  // catalog
    {"42703", ErrorCode::kColumnNotFound},
    {"42501", ErrorCode::kPermissionDenied},
    {"57014", ErrorCode::kTimeout},  // the remote's own time limit; our cancel never comes this way
    {"57KD0", ErrorCode::kTimeout},
    {"HYT00", ErrorCode::kTimeout},
}};

constexpr std::array<CodeRow, 8> kErrorCodes{{
    {"PERMISSION_DENIED", ErrorCode::kPermissionDenied},
    {"UNAUTHENTICATED", ErrorCode::kUnauthenticated},
    {"CANCELLED", ErrorCode::kCancelled},
    {"DEADLINE_EXCEEDED", ErrorCode::kTimeout},
    {"SERVICE_UNDER_MAINTENANCE", ErrorCode::kUnavailable},
    {"TEMPORARILY_UNAVAILABLE", ErrorCode::kUnavailable},
    {"WORKSPACE_TEMPORARILY_UNAVAILABLE", ErrorCode::kUnavailable},
    {"ABORTED", ErrorCode::kUnavailable},
}};

template <std::size_t kSize>
std::optional<ErrorCode> find_code(const std::array<CodeRow, kSize>& rows,
                                   std::string_view remote) {
  for (const CodeRow& row : rows) {
    if (row.remote == remote) return row.code;
  }
  return std::nullopt;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return lower;
}

bool is_sql_state(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// From the field, else from the text: "[TABLE_OR_VIEW_NOT_FOUND] … SQLSTATE: 42P01".
std::string sql_state_of(const RemoteFailure& failure) {
  if (is_sql_state(failure.sql_state)) return failure.sql_state;
  constexpr std::string_view kMark = "SQLSTATE: ";
  const std::size_t mark = failure.message.rfind(kMark);
  if (mark == std::string::npos) return {};
  const std::string found = failure.message.substr(mark + kMark.size(), 5);
  return is_sql_state(found) ? found : std::string();
}

std::string hint_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTableNotFound:
    case ErrorCode::kColumnNotFound:
      return "Run IMPORT FOREIGN SCHEMA again, or correct the foreign table's options.";
    case ErrorCode::kPermissionDenied:
      return "Grant the privilege to the connection's identity in Databricks.";
    case ErrorCode::kUnavailable:
      return "Try again later.";
    case ErrorCode::kUnauthenticated:
      return "Store the connection's secret again.";
    case ErrorCode::kTimeout:
      return "Read less at a time, or raise the time limit in Databricks.";
    case ErrorCode::kCancelled:
      return "Run the query again.";
    default:
      return "EXPLAIN (VERBOSE) shows the statement that the warehouse was given.";
  }
}

std::string_view message_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTableNotFound:
      return "remote table or schema does not exist";
    case ErrorCode::kColumnNotFound:
      return "remote column does not exist";
    case ErrorCode::kPermissionDenied:
      return "permission denied by the remote warehouse";
    case ErrorCode::kTimeout:
      return "remote warehouse stopped the query at its own time limit";
    case ErrorCode::kCancelled:
      return "remote warehouse cancelled the query";
    case ErrorCode::kUnavailable:
      return "remote warehouse is not available now";
    case ErrorCode::kUnauthenticated:
      return "remote warehouse refused the connection's secret";
    default:
      return "remote query failed";
  }
}

// "Remote error <code> (SQLSTATE <s>, statement <id>): <text>"
std::string detail_of(const RemoteFailure& failure, std::string_view sql_state,
                      std::string_view statement_id) {
  std::string detail = "Remote error " + (failure.code.empty() ? "UNKNOWN" : failure.code);
  const bool has_state = !sql_state.empty();
  const bool has_id = !statement_id.empty();
  if (has_state || has_id) {
    detail += " (";
    if (has_state) detail.append("SQLSTATE ").append(sql_state);
    if (has_state && has_id) detail += ", ";
    if (has_id) detail.append("statement ").append(statement_id);
    detail += ')';
  }
  return excerpt(detail + ": " + failure.message, kMaxDetailBytes);
}

// A warehouse that is not there, or that can't be started, has its own words in a 400 or 404.
std::optional<Error> warehouse_error(int status, const RemoteFailure& failure) {
  const std::string text = lower_case(failure.message);
  if (text.find("warehouse") == std::string::npos && text.find("endpoint") == std::string::npos)
    return std::nullopt;
  const auto mentions = [&](std::string_view word) { return text.find(word) != std::string::npos; };
  const std::string detail = detail_of(failure, {}, {});
  if (mentions("delet") || mentions("stopped") || mentions("not running") || mentions("terminat") ||
      mentions("cannot be started") || mentions("can't be started")) {
    return Error{ErrorCode::kUnavailable, "remote SQL warehouse is stopped or deleted", detail,
                 "Start the warehouse in Databricks, or connect to another one."};
  }
  if (status == 404 || mentions("not found") || mentions("not exist") || mentions("not a valid") ||
      mentions("invalid")) {
    return Error{ErrorCode::kNotFound, "remote SQL warehouse does not exist", detail,
                 "Check the connection's warehouse_id."};
  }
  return std::nullopt;
}

// 401, and 403 unless it speaks of a privilege: a bad token gives 403 with a number for a code, and
// a message.
Error refusal(int status, const RemoteFailure& failure) {
  const bool is_privilege =
      status == 403 && (failure.code == "PERMISSION_DENIED" ||
                        lower_case(failure.message).find("permission") != std::string::npos);
  const ErrorCode code = is_privilege ? ErrorCode::kPermissionDenied : ErrorCode::kUnauthenticated;
  RemoteFailure shown = failure;
  if (shown.code.empty()) shown.code = std::to_string(status);
  return {code, std::string(message_of(code)), detail_of(shown, {}, {}), hint_of(code)};
}

}  // namespace

Error error_of_statement(const RemoteFailure& failure, std::string_view statement_id) {
  const std::string sql_state = sql_state_of(failure);
  std::optional<ErrorCode> code = find_code(kSqlStates, sql_state);
  if (!code) code = find_code(kErrorCodes, failure.code);
  const ErrorCode known = code.value_or(ErrorCode::kRemoteSql);
  return {known, std::string(message_of(known)), detail_of(failure, sql_state, statement_id),
          hint_of(known)};
}

Error error_of_status(int status, const RemoteFailure& failure) {
  if (status == 401 || status == 403) return refusal(status, failure);
  if (status == 429 || status >= 500) {
    RemoteFailure shown = failure;
    if (shown.code.empty()) shown.code = std::to_string(status);
    return {ErrorCode::kUnavailable, std::string(message_of(ErrorCode::kUnavailable)),
            detail_of(shown, {}, {}), hint_of(ErrorCode::kUnavailable)};
  }
  if (auto error = warehouse_error(status, failure); error && status >= 400) return *error;
  if (status < 400) {
    return {ErrorCode::kInvalidResponse, "remote service answered in an unexpected way",
            "HTTP status " + std::to_string(status) + ".", "Check the workspace URL."};
  }
  if (status == 404) {
    return {ErrorCode::kNotFound, "remote object does not exist", detail_of(failure, {}, {}),
            "Check the workspace URL and the connection's warehouse_id."};
  }
  return error_of_statement(failure, {});
}

bool is_about_disposition(const RemoteFailure& failure) {
  const std::string text = lower_case(failure.message);
  return text.find("external_links") != std::string::npos ||
         text.find("external links") != std::string::npos ||
         text.find("inline byte limit") != std::string::npos;
}

}  // namespace lakehouse::warehouse::databricks
