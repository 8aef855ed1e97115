// SPDX-License-Identifier: PostgreSQL
// One interface for every remote SQL engine: submit, wait, next batch, cancel, close; list and
// describe tables. An engine's folder implements it; callers never learn which engine they speak
// to. Threads: a Warehouse is shared; a Statement belongs to one caller at a time, but stop tokens
// may fire anywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/wire/batch.hpp"

namespace lakehouse::warehouse {

struct Parameter {
  std::string name;                  // without the colon
  std::string type;                  // the engine's type name: BIGINT, STRING, DECIMAL(12,2) …
  std::optional<std::string> value;  // absent: NULL
};

// What the caller wants of one result column.
struct OutputColumn {
  wire::CellType type = wire::CellType::kText;
  std::int16_t precision =
      0;  // kNumeric with precision > 0: round to `scale` digits, refuse above precision
  std::int16_t scale = 0;
};

struct Query {
  std::string statement;
  std::vector<Parameter> parameters;
  std::vector<OutputColumn> columns;      // in result order; count must equal the result's
  std::size_t window_bytes = 64U << 20U;  // most bytes of result held in memory at a time
  std::size_t batch_bytes = 512U << 10U;  // size at which a batch is cut
  std::optional<std::uint64_t>
      row_bound;  // the most rows the result can have, when the caller can prove it
};

struct QueryStats {
  std::string query_id;                      // the engine's id of the statement
  std::chrono::microseconds remote_time{0};  // from submit to the result being ready
  std::uint64_t rows = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t chunks = 0;
};

// A batch in the layout of wire/batch.hpp.
struct Batch {
  std::string bytes;
  std::uint32_t row_count = 0;
};

class Statement {
 public:
  // Closing is part of dying: a statement not yet terminal is cancelled and closed remotely
  // (bounded by a few seconds).
  virtual ~Statement() = default;

  // Until the remote engine has the result. Errors: kRemoteSql (detail: remote code, id and text),
  // kTableNotFound, kColumnNotFound, kUnauthenticated, kUnavailable, kUnreachable, kTimeout,
  // kCancelled, kInvalidResponse, kTypeNotSupported.
  virtual Status wait(const Context& context) = 0;

  // The next batch in result order, or nothing at the end. Fetches ahead in parallel within the
  // window.
  virtual Result<std::optional<Batch>> next_batch(const Context& context) = 0;

  // Asks the engine to stop; safe from any thread, any number of times; returns without waiting for
  // the engine.
  virtual void cancel() noexcept = 0;

  // Cancels if needed, closes the remote statement and waits for the answer within the deadline.
  virtual void close(const Context& context) noexcept = 0;

  virtual QueryStats stats() const = 0;
};

struct ColumnDescription {
  std::string name;
  std::string type_text;  // full remote type, lower case: decimal(12,2), array<string>
  bool is_nullable = true;
  std::string comment;
};

struct TableDescription {
  std::string name;
  std::string comment;
  std::vector<ColumnDescription> columns;
};

enum class NameFilter : std::uint8_t { kAll, kOnly, kExcept };

struct TableSelection {
  std::string catalog;
  std::string schema;
  NameFilter filter = NameFilter::kAll;
  std::vector<std::string> names;
};

// One step of a connection test, in the order made; after the first failure no more follow.
struct TestStep {
  std::string step;  // connect, authenticate, warehouse, query
  bool is_ok = false;
  std::chrono::microseconds duration{0};
  std::string detail;
};

class Warehouse {
 public:
  virtual ~Warehouse() = default;

  // Hands the statement to the engine and returns when it has an id.
  virtual Result<std::unique_ptr<Statement>> submit(Query query, const Context& context) = 0;

  virtual Result<std::vector<std::string>> list_tables(const TableSelection& selection,
                                                       const Context& context) = 0;
  // With columns and comments, in name order, one remote query for all. kTableNotFound if the
  // schema does not exist.
  virtual Result<std::vector<TableDescription>> describe_tables(const TableSelection& selection,
                                                                const Context& context) = 0;

  virtual std::vector<TestStep> test(const Context& context) = 0;
};

}  // namespace lakehouse::warehouse
