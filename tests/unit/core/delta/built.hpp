// SPDX-License-Identifier: PostgreSQL
// Schemas and batches in short.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/delta/batch.hpp"
#include "core/delta/schema.hpp"

namespace lakehouse::delta::test {

// Columns with ids in their order; an array's elements have 100 more.
inline Schema schema_of(const std::vector<std::pair<std::string, Type>>& columns) {
  Schema schema;
  for (const auto& [name, type] : columns) {
    Column column;
    column.name = name;
    column.type = type;
    column.id = static_cast<std::int32_t>(schema.columns.size()) + 1;
    if (type.is_array) column.element_id = 100 + column.id;
    schema.columns.push_back(column);
  }
  return schema;
}

inline Schema one_column(TypeKind kind) { return schema_of({{"c", {.kind = kind}}}); }

inline Batch built(const Schema& schema, const std::function<void(BatchBuilder&)>& fill) {
  BatchBuilder builder(schema);
  fill(builder);
  auto batch = builder.finish();
  EXPECT_TRUE(batch.is_ok());
  return *std::move(batch);
}

}  // namespace lakehouse::delta::test
