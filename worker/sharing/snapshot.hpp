// SPDX-License-Identifier: PostgreSQL
// Snapshot: what a version of a table consists of, as the database has it; and a few of them kept,
// since a version never changes.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "worker/sharing/admission.hpp"

namespace lakehouse::worker::sharing {

struct TableMetadata {
  std::int64_t version = 0;  // that it came with
  std::string id, schema_string;
  std::string configuration;  // JSON
  std::int64_t created_ms = 0;
};

struct DataFile {
  std::string path;  // below the table's folder
  std::int64_t bytes = 0, rows = 0, modified_ms = 0;
  std::string stats;                     // JSON
  std::string md5, sha256;               // of the path, in hex: ids that stay the same
  static DataFile of(std::string path);  // with its ids
};

struct Change {
  enum class Kind : std::uint8_t { kMetadata, kAdd, kRemove, kChangeFile };
  Kind kind = Kind::kAdd;
  std::int64_t version = 0, committed_ms = 0;
  DataFile file;
  TableMetadata metadata;  // of kMetadata
};

struct Snapshot {
  std::int64_t version = 0;
  TableMetadata metadata;
  std::vector<DataFile> files;  // in the order in which they were written
  std::int64_t bytes = 0;
};

// Thread-safe; holds newest versions only, as older ones may be removed from under it.
class Snapshots {
 public:
  std::shared_ptr<const Snapshot> find(const SharedTable& table);
  void keep(const SharedTable& table, std::shared_ptr<const Snapshot> snapshot);

 private:
  struct Kept {
    std::string table_id, location;
    std::shared_ptr<const Snapshot> snapshot;
  };
  std::mutex mutex_;
  std::list<Kept> kept_;  // last used first
  std::size_t files_ = 0;
};

}  // namespace lakehouse::worker::sharing
