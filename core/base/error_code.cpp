// SPDX-License-Identifier: PostgreSQL
// The one table that maps an ErrorCode to SQLSTATE, HTTP status, JSON-RPC code and log level.
#include "core/base/error.hpp"

#include <array>

namespace lakehouse {
namespace {

using enum ErrorCode;
using enum LogLevel;

constexpr std::array<ErrorCodeFacts, kErrorCodeCount> kFacts{{
    {kInternal, "INTERNAL", "XX000", 500, -32603, kError},
    {kInvalidArgument, "INVALID_ARGUMENT", "22023", 400, -32602, kInfo},
    {kUnreachable, "UNREACHABLE", "HV00N", 502, -32001, kWarning},
    {kUnavailable, "UNAVAILABLE", "HV00N", 503, -32001, kWarning},
    {kTimeout, "TIMEOUT", "57014", 504, -32002, kWarning},
    {kCancelled, "CANCELLED", "57014", 499, -32800, kInfo},
    {kUnauthenticated, "UNAUTHENTICATED", "28000", 401, -32003, kWarning},
    {kPermissionDenied, "PERMISSION_DENIED", "42501", 403, -32004, kWarning},
    {kRemoteSql, "REMOTE_SQL", "HV000", 502, -32005, kInfo},
    {kTableNotFound, "TABLE_NOT_FOUND", "HV00R", 404, -32006, kInfo},
    {kColumnNotFound, "COLUMN_NOT_FOUND", "HV005", 404, -32006, kInfo},
    {kNotFound, "NOT_FOUND", "HV00N", 404, -32006, kInfo},
    {kTypeNotSupported, "TYPE_NOT_SUPPORTED", "HV004", 422, -32007, kInfo},
    {kValueOutOfRange, "VALUE_OUT_OF_RANGE", "22003", 422, -32007, kInfo},
    {kInvalidResponse, "INVALID_RESPONSE", "HV000", 502, -32008, kError},
    {kCapExceeded, "CAP_EXCEEDED", "53400", 413, -32009, kInfo},
    {kWorkerNotRunning, "WORKER_NOT_RUNNING", "08001", 503, -32001, kError},
    {kProtocol, "PROTOCOL", "08P01", 500, -32603, kError},
    {kOutOfMemory, "OUT_OF_MEMORY", "53200", 507, -32603, kError},
}};

constexpr bool rows_stand_in_enum_order() {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (static_cast<std::size_t>(kFacts[i].code) != i || kFacts[i].sqlstate.size() != 5)
      return false;
  }
  return true;
}
static_assert(rows_stand_in_enum_order());

}  // namespace

const ErrorCodeFacts& facts_of(ErrorCode code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kFacts.size() ? kFacts[index] : kFacts[0];
}

}  // namespace lakehouse
