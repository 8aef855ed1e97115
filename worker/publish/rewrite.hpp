// SPDX-License-Identifier: PostgreSQL
// Rewrite: publishes the rows of changed keys. Files that hold an old row of one are written anew
// without it; new rows lie in files of their own; change files say what became of each.
#pragma once

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/publish/changed_keys.hpp"
#include "worker/publish/table_work.hpp"
#include "worker/publish/version.hpp"

namespace lakehouse::worker::publish {

class Rewrite {
 public:
  // References outlive it.
  Rewrite(const TableWork& work, ChangedKeys& keys, RowSource& source);

  // Writes the files; the version is not recorded yet. One without files has no changes.
  Result<Version> run(const Context& context);

 private:
  Status find_old_rows(const Context& context);
  Status look_into(const LiveFile& file, const Context& context);
  template <typename Wanted>
  Result<bool> has_key(const LiveFile& file, Wanted wanted, const Context& context);
  Status write_new_rows(const Context& context);
  Status take_new_rows(const delta::Batch& batch, const Context& context);
  Status write_rest(const LiveFile& file, const Context& context);
  Status take_old_rows(const delta::Batch& batch, DataFiles& rest, const Context& context);
  Status write_changes(const delta::Batch& batch, const std::vector<std::string_view>& kinds,
                       const Context& context);

  const TableWork& work_;
  ChangedKeys& keys_;
  RowSource& source_;
  const delta::Schema change_schema_;
  std::vector<LiveFile> touched_;  // they hold an old row of one of the keys
  DataFiles new_rows_;
  DataFiles changes_;
  Version version_;
};

}  // namespace lakehouse::worker::publish
