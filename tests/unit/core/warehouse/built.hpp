// SPDX-License-Identifier: PostgreSQL
// One cell built and read back: what the tests of the cell readers share.
#pragma once

#include <string>
#include <string_view>

#include "core/warehouse/cell.hpp"
#include "core/wire/batch_builder.hpp"
#include "core/wire/batch_view.hpp"

namespace lakehouse::warehouse {

struct Built {
  CellFault fault = CellFault::kNone;
  std::string bytes;  // the value in PostgreSQL's form; a varlena without its header

  template <typename Value>
  Value as() const {
    Value value{};
    if (bytes.size() == sizeof(value)) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }
};

inline Built build(const OutputColumn& column, std::string_view text, std::string_view unit = {}) {
  wire::BatchBuilder builder({column.type}, 1024);
  Built built;
  built.fault = reader_of(column.type)(builder, 0, {column, unit}, text);
  if (built.fault != CellFault::kNone) return built;
  builder.end_row();
  const std::string batch = builder.finish();
  const auto view = wire::BatchView::parse(batch, {column.type});
  if (!view) return built;
  const std::uint32_t width = wire::width_of(column.type);
  built.bytes =
      width == 0 ? std::string(view->payload(0, 0)) : std::string(view->fixed(0, 0), width);
  return built;
}

}  // namespace lakehouse::warehouse
