// SPDX-License-Identifier: PostgreSQL
// WarehouseResult: what became of a model's statement, notices included.
#pragma once

#include "worker/db/batch.hpp"
#include "worker/tools/failure.hpp"
#include "worker/tools/rows_json.hpp"

namespace lakehouse::worker::tools {

class WarehouseResult {
 public:
  explicit WarehouseResult(TypeName type_name) : type_name_(std::move(type_name)) {}

  // The guard says by a notice that it has cut the rows off.
  void hear(const db::Report& notice);
  // {"columns", "rows", "row_count", "truncated", "as_of", "notice"}, or why not.
  Outcome outcome_of(const db::Answer& answer) const;

 private:
  const TypeName type_name_;
  bool is_truncated_ = false;
};

}  // namespace lakehouse::worker::tools
