// SPDX-License-Identifier: PostgreSQL
// JsonScanner finds each string, whose bytes go to the cell's reader without a copy in between.
// simdjson checks the UTF-8 of the whole text and undoes escapes.
#include "core/warehouse/json_rows.hpp"

#include <simdjson.h>

#include "core/http/client.hpp"
#include "core/warehouse/cell.hpp"
#include "core/warehouse/excerpt.hpp"
#include "core/warehouse/json_scanner.hpp"
#include "core/wire/batch_builder.hpp"
#include "core/wire/message.hpp"

namespace lakehouse::warehouse {
namespace {

static_assert(http::kBodyPadding >= simdjson::SIMDJSON_PADDING);

// A batch travels in one frame; below the limit by room for headers and bitmaps.
constexpr std::size_t kMaxBatchBytes = wire::kMaxFrameBytes - (wire::kMaxFrameBytes >> 3U);

Error malformed(std::string detail) {
  return {ErrorCode::kInvalidResponse, "remote result is not well-formed", std::move(detail),
          "Run the query again; if it fails again, report it with the statement's id."};
}

}  // namespace

struct JsonRows::Reading {
  // A column's reader and what it needs.
  struct Column {
    CellReader read = nullptr;
    CellColumn facts;
  };

  explicit Reading(const RowFormat& row_format)
      : format(row_format), builder(cell_types_of(row_format), row_format.batch_bytes) {
    for (std::size_t i = 0; i < format.columns.size(); ++i) {
      const OutputColumn& output = format.columns[i];
      const bool has_label = i < format.labels.size();
      columns.push_back({reader_of(output.type),
                         {output, has_label ? format.labels[i].type_text : std::string_view()}});
    }
  }

  static std::vector<wire::CellType> cell_types_of(const RowFormat& row_format) {
    std::vector<wire::CellType> types;
    for (const OutputColumn& column : row_format.columns) types.push_back(column.type);
    return types;
  }

  Status start(std::string_view text);
  bool read_row();
  bool read_cell(std::size_t column);
  bool append_escaped(std::size_t column, std::string_view content);
  bool end_row();
  bool append(std::size_t column, std::string_view text);

  // These fill `error` and return false, so that the paths per cell stay free of variants.
  bool fail_json(std::string_view what);
  bool fail_cell_count(std::size_t count);
  bool fail_size();
  bool fail_cell(CellFault fault, std::size_t column, std::string_view text);

  std::string label(std::size_t column) const;

  const RowFormat& format;
  std::vector<Column> columns;
  wire::BatchBuilder builder;
  JsonScanner scanner;
  simdjson::ondemand::parser unescaper;
  std::string unescaped;
  std::uint64_t rows = 0;
  bool is_at_end = false;
  Error error;
};

Status JsonRows::Reading::start(std::string_view text) {
  rows = 0;
  is_at_end = false;
  builder.finish();
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return malformed("The rows are not valid UTF-8.");
  constexpr std::size_t kAnyCapacity =
      64;  // unescape() needs none, only that there was an allocation
  if (unescaper.allocate(kAnyCapacity) != simdjson::SUCCESS) {
    return Error{ErrorCode::kOutOfMemory, "out of memory while reading a remote result", "", ""};
  }
  scanner = JsonScanner(text);
  scanner.skip_blanks();
  if (!scanner.take('[')) return malformed("The rows are not a JSON array.");
  scanner.skip_blanks();
  if (!scanner.take(']')) return kDone;
  scanner.skip_blanks();
  is_at_end = true;
  return scanner.is_at_end() ? Status(kDone)
                             : Status(malformed("Something follows the array of rows."));
}

// From the row's bracket to that of the next row, or to the end of all.
bool JsonRows::Reading::read_row() {
  if (!scanner.take('[')) return fail_json("is not an array");
  const std::size_t wanted = builder.column_count();
  scanner.skip_blanks();
  if (scanner.take(']')) return wanted == 0 ? end_row() : fail_cell_count(0);
  for (std::size_t column = 0;; ++column) {
    if (column == wanted) return fail_cell_count(column + 1);
    if (!read_cell(column)) return false;
    scanner.skip_blanks();
    if (scanner.take(']')) return column + 1 == wanted ? end_row() : fail_cell_count(column + 1);
    if (!scanner.take(',')) return fail_json("is broken off");
    scanner.skip_blanks();
  }
}

bool JsonRows::Reading::read_cell(std::size_t column) {
  std::string_view content;
  bool has_escapes = false;
  if (scanner.take_string(content, has_escapes)) {
    return has_escapes ? append_escaped(column, content) : append(column, content);
  }
  if (!scanner.take_null()) return fail_json("has a cell that is neither a sound string nor null");
  builder.append_null(column);
  return true;
}

// Undoing escapes never makes a text longer. The string's closing quote is still behind it, and
// stops the parser.
bool JsonRows::Reading::append_escaped(std::size_t column, std::string_view content) {
  constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;
  if (unescaped.size() < content.size() + kPadding) unescaped.resize(content.size() + kPadding);
  auto* out = reinterpret_cast<std::uint8_t*>(unescaped.data());
  const simdjson::ondemand::raw_json_string raw(
      reinterpret_cast<const std::uint8_t*>(content.data()));
  std::string_view text;
  if (unescaper.unescape(raw, out).get(text) != simdjson::SUCCESS)
    return fail_json("has a string with a bad escape");
  return append(column, text);
}

bool JsonRows::Reading::end_row() {
  builder.end_row();
  ++rows;
  if (builder.size() > kMaxBatchBytes) return fail_size();
  scanner.skip_blanks();
  if (scanner.take(',')) {
    scanner.skip_blanks();
    return true;
  }
  if (!scanner.take(']')) return fail_json("is missing: the array is broken off");
  scanner.skip_blanks();
  is_at_end = true;
  return scanner.is_at_end() || fail_json("is not one: something follows the array");
}

bool JsonRows::Reading::append(std::size_t column, std::string_view text) {
  const Column& target = columns[column];
  const CellFault fault = target.read(builder, column, target.facts, text);
  return fault == CellFault::kNone || fail_cell(fault, column, text);
}

bool JsonRows::Reading::fail_json(std::string_view what) {
  error = malformed("Row " + std::to_string(rows + 1) + " of a chunk " + std::string(what) + ".");
  return false;
}

bool JsonRows::Reading::fail_cell_count(std::size_t count) {
  const std::size_t wanted = builder.column_count();
  const std::string found =
      count > wanted ? "more than " + std::to_string(wanted) : std::to_string(count);
  return fail_json("has " + found + " cells instead of " + std::to_string(wanted));
}

bool JsonRows::Reading::fail_size() {
  error = {ErrorCode::kCapExceeded, "row of the remote result is too large",
           "Row " + std::to_string(rows) + " of a chunk makes a batch of more than " +
               std::to_string(kMaxBatchBytes >> 20U) + " MB.",
           "Select fewer or shorter columns."};
  return false;
}

bool JsonRows::Reading::fail_cell(CellFault fault, std::size_t column, std::string_view text) {
  const wire::CellType type = format.columns[column].type;
  const std::string type_name(name_of(type));
  if (type == wire::CellType::kText) {
    error = {ErrorCode::kTypeNotSupported,
             "text of remote column " + label(column) + " contains a NUL byte",
             "PostgreSQL's text can't hold the character U+0000.",
             "Remove the character in a remote view, or map the column to bytea."};
    return false;
  }
  const std::string value = "Value: " + quoted_excerpt(text) + ".";
  if (fault == CellFault::kOutOfRange) {
    error = {ErrorCode::kValueOutOfRange,
             "value of remote column " + label(column) + " is out of range for type " + type_name,
             value, "Give the foreign table's column a wider type, for example text."};
  } else {
    error = {ErrorCode::kTypeNotSupported,
             "value of remote column " + label(column) + " can't be read as type " + type_name,
             value, "Give the foreign table's column the type of the remote column, or text."};
  }
  return false;
}

std::string JsonRows::Reading::label(std::size_t column) const {
  if (column < format.labels.size() && !format.labels[column].name.empty()) {
    return quoted_excerpt(format.labels[column].name);
  }
  return "number " + std::to_string(column + 1);
}

JsonRows::JsonRows(const RowFormat& format) : reading_(std::make_unique<Reading>(format)) {}
JsonRows::~JsonRows() = default;

Status JsonRows::open(std::string_view array) { return reading_->start(array); }

Result<std::optional<Batch>> JsonRows::next() {
  Reading& reading = *reading_;
  while (!reading.is_at_end && !reading.builder.is_full()) {
    if (!reading.read_row()) return reading.error;
  }
  if (reading.builder.row_count() == 0) return std::optional<Batch>();
  Batch batch;
  batch.row_count = reading.builder.row_count();
  batch.bytes = reading.builder.finish();
  return std::optional<Batch>(std::move(batch));
}

bool JsonRows::is_at_end() const noexcept { return reading_->is_at_end; }

std::uint64_t JsonRows::rows_read() const noexcept { return reading_->rows; }

}  // namespace lakehouse::warehouse
