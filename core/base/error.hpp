// SPDX-License-Identifier: PostgreSQL
// What can go wrong, as a value. One enum of codes; one table (error_code.cpp) says what each code
// is in SQL, HTTP, JSON-RPC and the log. An Error never holds a secret.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lakehouse {

enum class ErrorCode : std::uint8_t {
  kInternal,          // a broken promise of our own code
  kInvalidArgument,   // the caller's input can't be used
  kUnreachable,       // no connection to the remote service
  kUnavailable,       // the service answers, but not now (429, 503, warehouse stopped)
  kTimeout,           // our deadline, or the remote's
  kCancelled,         // asked to stop
  kUnauthenticated,   // secret missing, refused or undecryptable
  kPermissionDenied,  // known identity, not allowed
  kRemoteSql,         // the remote engine refused or failed the statement
  kTableNotFound,     // remote table or schema is gone
  kColumnNotFound,    // remote column is gone
  kNotFound,          // any other remote object (warehouse, connection row)
  kTypeNotSupported,  // a type or value without a PostgreSQL counterpart
  kValueOutOfRange,   // a value PostgreSQL's type can't hold
  kInvalidResponse,   // the remote's answer breaks its own protocol
  kCapExceeded,       // a row, byte or memory limit of ours
  kWorkerNotRunning,  // no worker behind the socket
  kProtocol,          // backend and worker disagree on the wire
  kOutOfMemory,
};
inline constexpr std::uint8_t kErrorCodeCount = 19;

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// A code's face in each protocol; `sqlstate` has five characters.
struct ErrorCodeFacts {
  ErrorCode code;
  std::string_view name;
  std::string_view sqlstate;
  std::uint16_t http_status;
  std::int32_t json_rpc_code;
  LogLevel log_level;
};

const ErrorCodeFacts& facts_of(ErrorCode code);

// PostgreSQL's four fields: message in lower case without a full stop; detail and hint whole
// sentences.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string detail;
  std::string hint;
};

}  // namespace lakehouse
