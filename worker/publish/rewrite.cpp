// SPDX-License-Identifier: PostgreSQL
// Three passes, each in bounded memory: old rows are found and their digests kept; new rows are
// read, compared and written; touched files are written anew. A file is touched only in the last
// one if a key of it has really changed.
#include "worker/publish/rewrite.hpp"

#include <algorithm>

#include "core/delta/key_filter.hpp"
#include "core/delta/row_digests.hpp"
#include "worker/publish/unique_keys.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr std::size_t kFiltersAtOnce = 32;
constexpr std::size_t kKeysAtOnce = 10'000;

// Source: Delta protocol, "Change Data Files". Its id is beyond those of a table and below those
// that Iceberg keeps for itself.
const delta::Column& change_type() {
  static const delta::Column column{
      "_change_type", {.kind = delta::TypeKind::kString}, false, 2'147'483'446, 0, ""};
  return column;
}

delta::Schema with_change_type(delta::Schema schema) {
  schema.columns.push_back(change_type());
  return schema;
}

delta::Schema part_of(const delta::Schema& schema, const std::vector<std::size_t>& places) {
  delta::Schema part;
  for (const std::size_t place : places) part.columns.push_back(schema.columns[place]);
  return part;
}

std::vector<std::size_t> first_places(std::size_t count) {
  std::vector<std::size_t> places(count);
  for (std::size_t i = 0; i < count; ++i) places[i] = i;
  return places;
}

}  // namespace

Rewrite::Rewrite(const TableWork& work, ChangedKeys& keys, RowSource& source)
    : work_(work),
      keys_(keys),
      source_(source),
      change_schema_(with_change_type(work.columns.schema)),
      new_rows_(DataFiles::Kind::kData, work.columns.schema, work.folder,
                FileSizes(static_cast<std::int64_t>(keys.size()))),
      changes_(DataFiles::Kind::kChanges, change_schema_, work.folder,
               FileSizes(static_cast<std::int64_t>(2 * keys.size()))) {
  version_.has_new_columns = !has_same_comments(work.columns.schema, work.table.before);
}

Result<Version> Rewrite::run(const Context& context) {
  work_.progress.begin_phase("finding changed rows");
  if (Status found = find_old_rows(context); !found) return std::move(found).error();
  work_.progress.begin_phase("reading changed rows");
  if (Status written = write_new_rows(context); !written) return std::move(written).error();
  work_.progress.begin_phase("rewriting files");
  for (const LiveFile& file : touched_) {
    if (Status written = write_rest(file, context); !written) return std::move(written).error();
  }
  auto added = new_rows_.finish(context);
  if (!added) return std::move(added).error();
  for (DataFile& file : *added) version_.added.push_back(std::move(file));
  auto changes = changes_.finish(context);
  if (!changes) return std::move(changes).error();
  version_.changes = *std::move(changes);
  return std::move(version_);
}

// The newest files first: once every key is found, older ones need not be looked at.
Status Rewrite::find_old_rows(const Context& context) {
  auto live = read_live_files(work_.catalog, work_.table.id, context);
  if (!live) return std::move(live).error();
  std::vector<std::uint64_t> hashes = keys_.unfound_hashes();
  for (std::size_t first = 0; first < live->size() && !hashes.empty(); first += kFiltersAtOnce) {
    const std::size_t end = std::min(first + kFiltersAtOnce, live->size());
    std::vector<std::int64_t> ids;
    for (std::size_t i = first; i < end; ++i) ids.push_back((*live)[i].id);
    auto filters = read_key_filters(work_.catalog, work_.table.id, ids, context);
    if (!filters) return std::move(filters).error();
    for (std::size_t i = first; i < end && !hashes.empty(); ++i) {
      const auto may_hold = delta::may_hold_any((*filters)[i - first], hashes);
      if (!may_hold) return may_hold.error();
      if (!*may_hold) continue;
      const auto is_any = [](const ChangedKeys::Key&) { return true; };
      const auto does_hold = has_key((*live)[i], is_any, context);
      if (!does_hold) return does_hold.error();
      if (!*does_hold) continue;
      if (Status looked = look_into((*live)[i], context); !looked) return looked;
      touched_.push_back((*live)[i]);
      hashes = keys_.unfound_hashes();
    }
  }
  return kDone;
}

// Whether the file has a key of that kind: its key's columns are read alone.
template <typename Wanted>
Result<bool> Rewrite::has_key(const LiveFile& file, Wanted wanted, const Context& context) {
  const delta::Schema schema = part_of(work_.columns.schema, work_.key);
  const std::vector<std::size_t> places = first_places(work_.key.size());
  auto open = open_data_file(work_.folder, file, schema, context);
  if (!open) return std::move(open).error();
  for (;;) {
    auto batch = open->reader->next();
    if (!batch) return std::move(batch).error();
    if (!batch->has_value()) return false;
    auto digests = delta::key_digests(**batch, places);
    if (!digests) return std::move(digests).error();
    for (const delta::Digest& digest : *digests) {
      const ChangedKeys::Key* key = keys_.find(digest);
      if (key != nullptr && wanted(*key)) return true;
    }
    if (context.stop.stop_requested()) return cancelled_error();
  }
}

Status Rewrite::look_into(const LiveFile& file, const Context& context) {
  auto open = open_data_file(work_.folder, file, work_.columns.schema, context);
  if (!open) return std::move(open).error();
  for (;;) {
    auto batch = open->reader->next();
    if (!batch) return std::move(batch).error();
    if (!batch->has_value()) return kDone;
    auto digests = delta::key_digests(**batch, work_.key);
    if (!digests) return std::move(digests).error();
    std::vector<bool> is_wanted(digests->size());
    std::vector<ChangedKeys::Key*> found;
    for (std::size_t row = 0; row < digests->size(); ++row) {
      ChangedKeys::Key* key = keys_.find((*digests)[row]);
      is_wanted[row] = key != nullptr;
      if (key != nullptr) found.push_back(key);
    }
    if (!found.empty()) {
      auto rows = (*batch)->keep(is_wanted);
      if (!rows) return std::move(rows).error();
      const auto old_rows = delta::row_digests(*rows);
      for (std::size_t i = 0; i < found.size(); ++i) {
        found[i]->was_there = true;
        found[i]->old_row = old_rows[i];
      }
    }
    work_.progress.add_rows((*batch)->rows());
    if (context.stop.stop_requested()) return cancelled_error();
  }
}

Status Rewrite::write_new_rows(const Context& context) {
  for (std::size_t first = 0;; first += kKeysAtOnce) {
    const ChangedKeys::Keys slice = keys_.slice(first, kKeysAtOnce);
    if (slice.empty()) return kDone;
    const auto take = [&](const delta::Batch& batch) { return take_new_rows(batch, context); };
    if (Status read = source_.read_keys(slice, take, context); !read) return read;
  }
}

Status Rewrite::take_new_rows(const delta::Batch& batch, const Context& context) {
  auto digests = delta::key_digests(batch, work_.key);
  if (!digests) return std::move(digests).error();
  const auto rows = delta::row_digests(batch);
  std::vector<bool> is_changed(rows.size());
  std::vector<delta::Digest> changed_keys;
  std::vector<std::string_view> kinds;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    ChangedKeys::Key* key = keys_.find((*digests)[row]);
    if (key == nullptr) continue;  // the key's text reads otherwise
    if (key->is_there) return duplicate_key_error(work_.table);
    key->is_there = true;
    key->is_same = key->was_there && key->old_row == rows[row];
    if (key->is_same) continue;
    is_changed[row] = true;
    changed_keys.push_back((*digests)[row]);
    kinds.push_back(key->was_there ? "update_postimage" : "insert");
    ++(key->was_there ? version_.rows_changed : version_.rows_added);
  }
  if (kinds.empty()) return kDone;
  auto changed = batch.keep(is_changed);
  if (!changed) return std::move(changed).error();
  if (Status written = new_rows_.write(*changed, changed_keys, context); !written) return written;
  // Where nothing was there before, all that a reader needs is in the data files.
  return touched_.empty() ? Status(kDone) : write_changes(*changed, kinds, context);
}

// Writes the file anew without the rows that have changed; if none has, it stays.
Status Rewrite::write_rest(const LiveFile& file, const Context& context) {
  const auto is_changed = [](const ChangedKeys::Key& key) { return key.is_changed(); };
  const auto is_touched = has_key(file, is_changed, context);
  if (!is_touched) return is_touched.error();
  if (!*is_touched) return kDone;
  auto open = open_data_file(work_.folder, file, work_.columns.schema, context);
  if (!open) return std::move(open).error();
  DataFiles rest(DataFiles::Kind::kData, work_.columns.schema, work_.folder, FileSizes::one_file());
  for (;;) {
    auto batch = open->reader->next();
    if (!batch) return std::move(batch).error();
    if (!batch->has_value()) break;
    if (Status taken = take_old_rows(**batch, rest, context); !taken) return taken;
    work_.progress.add_rows((*batch)->rows());
    if (context.stop.stop_requested()) return cancelled_error();
  }
  auto written = rest.finish(context);
  if (!written) return std::move(written).error();
  for (DataFile& part : *written) version_.added.push_back(std::move(part));
  version_.removed.push_back(file);
  return kDone;
}

Status Rewrite::take_old_rows(const delta::Batch& batch, DataFiles& rest, const Context& context) {
  auto digests = delta::key_digests(batch, work_.key);
  if (!digests) return std::move(digests).error();
  std::vector<bool> is_kept(digests->size(), true), is_removed(digests->size());
  std::vector<delta::Digest> kept;
  std::vector<std::string_view> kinds;
  for (std::size_t row = 0; row < digests->size(); ++row) {
    const ChangedKeys::Key* key = keys_.find((*digests)[row]);
    if (key == nullptr || !key->is_changed()) {
      kept.push_back((*digests)[row]);
      continue;
    }
    is_kept[row] = false;
    is_removed[row] = true;
    kinds.push_back(key->is_updated() ? "update_preimage" : "delete");
    if (!key->is_updated()) ++version_.rows_removed;
  }
  if (!kinds.empty()) {
    auto removed = batch.keep(is_removed);
    if (!removed) return std::move(removed).error();
    if (Status written = write_changes(*removed, kinds, context); !written) return written;
  }
  auto rows = batch.keep(is_kept);
  if (!rows) return std::move(rows).error();
  return rest.write(*rows, kept, context);
}

Status Rewrite::write_changes(const delta::Batch& batch, const std::vector<std::string_view>& kinds,
                              const Context& context) {
  auto changes = batch.with_text(change_type(), kinds);
  if (!changes) return std::move(changes).error();
  return changes_.write(*changes, {}, context);
}

}  // namespace lakehouse::worker::publish
