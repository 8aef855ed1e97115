// SPDX-License-Identifier: PostgreSQL
// Rows of one remote statement, batch by batch, and the conversion of a row into a slot. Shared by
// scans and ANALYZE. C++ regime but for fill(), which is plain and runs once a row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/wire/batch_view.hpp"
#include "extension/client/channel.hpp"
#include "extension/fdw/column.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// How a cell becomes a datum.
enum class Reading : std::uint8_t {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kPointer,    // fixed width, by reference, or a varlena: the datum points into the batch
  kTimestamp,  // with a precision to round to
  kInput,      // text through the type's input function
};

struct ColumnReader {
  int attribute;       // number - 1
  std::int16_t index;  // in the batch
  Reading reading;
  bool is_varlena;
  std::int32_t typmod;
  Oid type_io_parameter;
  FmgrInfo input;
};

class RowStream {
 public:
  // Made in `context`, destroyed by its reset.
  static RowStream* create(MemoryContext context);

  // `retrieved`: attribute numbers in select-list order.
  void set_columns(const Columns& columns, const List* retrieved);

  // Sends the statement; the worker's first answer comes with the first advance(). `request` lacks
  // columns and credit.
  void open(wire::OpenScan request);

  // Loads the next batch; false at the end.
  bool advance();

  // Ends the remote statement, if it still runs, by closing the socket.
  void close() noexcept;

  bool is_open() const noexcept { return channel_ != nullptr; }
  bool has_row() const noexcept { return row_ < row_count_; }

  // Writes the current row's retrieved columns and steps on. Plain regime: may raise from an input
  // function.
  void fill(Datum* values, bool* nulls);

  const wire::ScanStarted& started() const noexcept { return started_; }
  const wire::ScanEnded& ended() const noexcept { return ended_; }

 private:
  RowStream() = default;

  Datum read(ColumnReader& reader, std::uint32_t row);
  void add_up(const wire::ScanEnded& ended);

  std::vector<ColumnReader> readers_;
  std::vector<wire::CellType> cells_;
  std::vector<wire::ScanColumn> wire_columns_;
  std::unique_ptr<client::Channel> channel_;
  std::optional<wire::BatchView> batch_;
  std::uint32_t row_ = 0;
  std::uint32_t row_count_ = 0;
  bool has_batch_ = false;  // whose credit is still to be given back
  wire::ScanStarted started_;
  wire::ScanEnded ended_;  // added up over rescans
};

}  // namespace lakehouse::fdw
