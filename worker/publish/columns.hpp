// SPDX-License-Identifier: PostgreSQL
// Columns: what a published table's columns are now, beside what its newest version says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/schema.hpp"
#include "worker/db/connection.hpp"

namespace lakehouse::worker::publish {

struct Columns {
  delta::Schema schema;
  std::vector<std::string> expressions;  // SQL that reads each
  std::int32_t next_id = 1;              // that no column has had

  // Their places by name. Errors: kColumnNotFound.
  Result<std::vector<std::size_t>> places_of(const std::vector<std::string>& names) const;
};

// As lakehouse.published_columns() has them, in their order; without ids.
Result<Columns> read_columns(db::Connection& connection, const std::string& source_id,
                             const Context& context);

// A type as Delta spells it: "decimal(18,2)", "array<long>". Errors: kTypeNotSupported.
Result<delta::Type> parse_type(std::string_view text);
std::string type_text(const delta::Type& type);

// The value of published_tables.columns, there and back.
std::string columns_json(const delta::Schema& schema);
Result<delta::Schema> parse_columns(std::string_view json);

// Gives each column the id that it had, or a new one if its name, type or origin is new.
void give_ids(Columns& now, const delta::Schema& before, std::int32_t next_id);

// Whether files of the one are files of the other: comments may differ.
bool is_same_layout(const delta::Schema& left, const delta::Schema& right);
bool has_same_comments(const delta::Schema& left, const delta::Schema& right);

}  // namespace lakehouse::worker::publish
