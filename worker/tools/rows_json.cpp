// SPDX-License-Identifier: PostgreSQL
// Cells as the server wrote them; the types decide whether that is JSON already.
#include "worker/tools/rows_json.hpp"

#include <string_view>

#include "worker/json/text.hpp"

namespace lakehouse::worker::tools {
namespace {

// Object ids of built-in types, fixed in the server's catalog.
constexpr std::uint32_t kBool = 16, kInt8 = 20, kInt2 = 21, kInt4 = 23, kOid = 26, kJson = 114,
                        kFloat4 = 700, kFloat8 = 701, kNumeric = 1700, kJsonb = 3802;

bool is_number(std::uint32_t type) {
  switch (type) {
    case kInt8:
    case kInt2:
    case kInt4:
    case kOid:
    case kFloat4:
    case kFloat8:
    case kNumeric:
      return true;
    default:
      return false;
  }
}

// NaN and Infinity are no numbers in JSON.
bool is_finite(std::string_view number) {
  return number.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

void append_cell(std::string& out, std::string_view cell, std::uint32_t type) {
  if (type == kBool) {
    out += cell == "t" ? "true" : "false";
  } else if (type == kJson || type == kJsonb || (is_number(type) && is_finite(cell))) {
    out += cell;
  } else {
    json::append_quoted(out, cell);
  }
}

void append_row(std::string& out, const db::Rows& rows, int row) {
  out.push_back('[');
  for (int column = 0; column < rows.column_count(); ++column) {
    if (column > 0) out.push_back(',');
    const auto cell = rows.cell(row, column);
    if (cell) {
      append_cell(out, *cell, rows.column_type(column));
    } else {
      out += "null";
    }
  }
  out.push_back(']');
}

}  // namespace

std::string rows_json(const db::Rows& rows, bool is_truncated, const TypeName& type_name) {
  std::string out = "\"columns\":[";
  for (int column = 0; column < rows.column_count(); ++column) {
    if (column > 0) out.push_back(',');
    out += "{\"name\":";
    json::append_quoted(out, rows.column_name(column));
    out += ",\"type\":";
    json::append_quoted(out, type_name(rows.column_type(column)));
    out.push_back('}');
  }
  out += "],\"rows\":[";
  for (int row = 0; row < rows.count(); ++row) {
    if (row > 0) out.push_back(',');
    append_row(out, rows, row);
  }
  out += "],\"row_count\":" + std::to_string(rows.count());
  out += is_truncated ? ",\"truncated\":true" : ",\"truncated\":false";
  return out;
}

}  // namespace lakehouse::worker::tools
