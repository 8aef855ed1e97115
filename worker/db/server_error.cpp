// SPDX-License-Identifier: PostgreSQL
// SQLSTATE classes to our codes.
#include "worker/db/server_error.hpp"

#include <libpq-fe.h>

#include <array>
#include <string_view>

namespace lakehouse::worker::db {
namespace {

struct StateMeaning {
  std::string_view prefix;  // of the SQLSTATE; the first match counts
  ErrorCode code;
};

constexpr std::array<StateMeaning, 10> kMeanings = {{
    {"08", ErrorCode::kUnavailable},      // connection
    {"22", ErrorCode::kInvalidArgument},  // data
    {"23", ErrorCode::kInvalidArgument},  // constraint
    {"40", ErrorCode::kUnavailable},      // serialization, deadlock
    {"42501", ErrorCode::kPermissionDenied},
    {"53", ErrorCode::kUnavailable},   // resources
    {"55P03", ErrorCode::kTimeout},    // lock timeout
    {"57014", ErrorCode::kTimeout},    // statement timeout
    {"57P", ErrorCode::kUnavailable},  // shutdown, crash of another backend
    {"", ErrorCode::kInternal},
}};

ErrorCode code_of(std::string_view state) {
  for (const StateMeaning& meaning : kMeanings) {
    if (state.substr(0, meaning.prefix.size()) == meaning.prefix) return meaning.code;
  }
  return ErrorCode::kInternal;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

Error connect_error(const pg_conn* connection) {
  return {ErrorCode::kUnavailable, "lakehouse worker can't reach its database",
          first_line(PQerrorMessage(connection)) + ".", "See the server's log."};
}

Error lost_error() {
  return {ErrorCode::kUnavailable, "lakehouse worker lost its database connection", "",
          "Run the statement again."};
}

Report report_of(const pg_result* result, std::size_t statement) {
  const auto field = [&](int which) {
    const char* text = PQresultErrorField(result, which);
    return std::string(text == nullptr ? "" : text);
  };
  return {field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY), field(PG_DIAG_MESSAGE_DETAIL),
          field(PG_DIAG_MESSAGE_HINT), statement};
}

Error server_error(const pg_result* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
  if (state == nullptr) return lost_error();
  return {code_of(state), primary == nullptr ? "database error" : primary,
          std::string("The worker's database answered with SQLSTATE ") + state + ".",
          hint == nullptr ? "" : hint};
}

}  // namespace lakehouse::worker::db
