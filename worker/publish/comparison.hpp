// SPDX-License-Identifier: PostgreSQL
// Comparison: finds the changed keys of a table whose changes nothing notes, by reading all its
// rows beside those of its files.
#pragma once

#include <optional>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/publish/changed_keys.hpp"
#include "worker/publish/live_file.hpp"
#include "worker/publish/table_work.hpp"

namespace lakehouse::worker::publish {

class Comparison {
 public:
  // References outlive it.
  Comparison(const TableWork& work, RowSource& source);

  // Nothing: there are too many.
  Result<std::optional<ChangedKeys>> run(const Context& context);

 private:
  struct Row {
    delta::Digest key;
    std::uint64_t row = 0;  // half of its digest
    bool is_seen = false;
  };

  Status run_pass(const Context& context);
  Status read_file(const LiveFile& file, const Context& context);
  Status compare(const delta::Batch& batch);
  bool is_in_pass(const delta::Digest& key) const;
  Row* find(const delta::Digest& key);

  const TableWork& work_;
  RowSource& source_;
  std::vector<LiveFile> files_;
  std::vector<Row> rows_;  // of the files, in this pass; sorted by key
  ChangedKeys keys_;
  std::uint64_t passes_ = 1, pass_ = 0;
  bool is_too_much_ = false;
};

}  // namespace lakehouse::worker::publish
