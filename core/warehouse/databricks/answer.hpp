// SPDX-License-Identifier: PostgreSQL
// The service's JSON answers as values. Every field may be missing or of another type; what the
// caller can't do without is checked here or by the caller, and the whole text is validated.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/http/client.hpp"
#include "core/warehouse/json_rows.hpp"

namespace lakehouse::warehouse::databricks {

enum class State : std::uint8_t { kPending, kRunning, kSucceeded, kFailed, kCanceled, kClosed };

// error_code is a word ("BAD_REQUEST") or, for some refusals, a number; both arrive as text.
struct RemoteFailure {
  std::string code;
  std::string message;
  std::string sql_state;
};

struct ChunkFacts {
  std::optional<std::uint64_t> row_offset;
  std::optional<std::uint64_t> row_count;
  std::uint64_t byte_count = 0;
};

struct Manifest {
  std::string format;
  std::vector<ResultColumn> columns;
  std::optional<std::uint64_t> column_count;
  std::optional<std::uint64_t> total_row_count;
  std::optional<std::uint64_t> total_chunk_count;
  bool is_truncated = false;
  std::vector<ChunkFacts> chunks;  // by index; may be shorter than the count
};

struct Link {
  std::uint64_t chunk_index = 0;
  std::string url;
  std::vector<http::Header> headers;
  std::int64_t expires_at_us = 0;  // Unix time; 0: unknown
  ChunkFacts facts;
};

// One chunk, as rows in the answer's own text or as links.
struct ResultPart {
  std::uint64_t chunk_index = 0;
  ChunkFacts facts;
  std::optional<std::uint64_t> next_chunk_index;
  std::vector<Link> links;
  bool has_rows = false;
  std::size_t rows_begin = 0;  // in the answer's text
  std::size_t rows_size = 0;
};

struct StatementAnswer {
  std::string id;
  State state = State::kPending;
  RemoteFailure failure;
  std::optional<Manifest> manifest;
  ResultPart result;
};

struct AccessToken {
  Secret token;
  std::chrono::seconds lifetime{0};
};

// Each takes a response's body, which must have http::kBodyPadding bytes of room behind it. Errors:
// kInvalidResponse.
Result<StatementAnswer> parse_statement(std::string& body);
Result<ResultPart> parse_chunk(std::string& body);
Result<std::string> parse_session_id(std::string& body);
Result<std::string> parse_warehouse_state(std::string& body);
Result<std::string> parse_token_endpoint(std::string& body);
Result<AccessToken> parse_access_token(std::string& body);

// The envelope of a status other than 200. Never fails: what can't be read as JSON becomes the
// message.
RemoteFailure parse_failure(std::string& body);

}  // namespace lakehouse::warehouse::databricks
