// SPDX-License-Identifier: PostgreSQL
// Rows stream from the database into files; no more than a row group of them is in memory.
#include "worker/publish/reload.hpp"

#include "core/delta/row_digests.hpp"
#include "worker/publish/unique_keys.hpp"

namespace lakehouse::worker::publish {

Result<Version> reload(const TableWork& work, RowSource& source, const Context& context) {
  Version version;
  version.operation = work.table.is_new() ? Operation::kCreate : Operation::kReload;
  version.has_new_columns = work.table.is_new() ||
                            !is_same_layout(work.columns.schema, work.table.before) ||
                            !has_same_comments(work.columns.schema, work.table.before);
  auto live = read_live_files(work.catalog, work.table.id, context);
  if (!live) return std::move(live).error();
  version.removed = *std::move(live);
  for (const LiveFile& file : version.removed) version.rows_removed += file.rows;

  const auto expected_rows = source.estimate(context);
  if (!expected_rows) return expected_rows.error();
  work.progress.begin_table(work.table.id, *expected_rows);
  work.progress.begin_phase("loading rows");
  DataFiles files(DataFiles::Kind::kData, work.columns.schema, work.folder,
                  FileSizes(*expected_rows));
  const auto take = [&](const delta::Batch& batch) -> Status {
    auto keys = delta::key_digests(batch, work.key);
    if (!keys) return std::move(keys).error();
    const std::int64_t before = files.bytes();
    if (Status written = files.write(batch, *keys, context); !written) return written;
    work.progress.add_bytes(files.bytes() - before);
    work.progress.add_rows(batch.rows());
    version.rows_added += batch.rows();
    return kDone;
  };
  if (Status read = source.read_all(take, context); !read) return std::move(read).error();
  auto added = files.finish(context);
  if (!added) return std::move(added).error();
  version.added = *std::move(added);
  if (!work.table.has_unique_index) {
    work.progress.begin_phase("comparing keys");
    if (Status sound = check_unique_keys(work, version.added, context); !sound) {
      return std::move(sound).error();
    }
  }
  return version;
}

}  // namespace lakehouse::worker::publish
