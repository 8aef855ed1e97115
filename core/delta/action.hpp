// SPDX-License-Identifier: PostgreSQL
// The actions of a Delta log, each one line of JSON in a commit, and the names of the log's files.
// Tables have no partitions, so partitionValues is always empty. A path is given as it is, relative
// to the table; its URL-encoded form is written. Source: Delta protocol, "Actions".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lakehouse::delta {

using Properties = std::vector<std::pair<std::string, std::string>>;

// Change data needs writer version 4; every reader takes reader version 1.
struct Protocol {
  std::int32_t reader_version = 1;
  std::int32_t writer_version = 4;
};

struct Metadata {
  std::string id;  // a UUID that the table keeps for life
  std::string name;
  std::string description;
  std::string schema_json;
  Properties configuration;
  std::int64_t created_ms = 0;  // since 1970, as all times below
};

enum class DataChange : std::uint8_t { kYes, kNo };  // kNo: the same rows, laid out anew

struct AddFile {
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t modified_ms = 0;
  DataChange data_change = DataChange::kYes;
  std::string stats;  // JSON, as ParquetWriter returns it
};

struct RemoveFile {
  std::string path;
  std::int64_t bytes = 0;
  std::int64_t deleted_ms = 0;
  DataChange data_change = DataChange::kYes;
};

struct ChangeFile {
  std::string path;
  std::int64_t bytes = 0;
};

// How far an application has come; how publishing once only is kept.
struct Transaction {
  std::string application_id;
  std::int64_t version = 0;
  std::int64_t updated_ms = 0;
};

struct CommitInfo {
  std::int64_t timestamp_ms = 0;
  std::string operation;
  Properties parameters;
  std::string engine;
};

// The line of an action, with its line break.
std::string line_of(const Protocol& protocol);
std::string line_of(const Metadata& metadata);
std::string line_of(const AddFile& file);
std::string line_of(const RemoveFile& file);
std::string line_of(const ChangeFile& file);
std::string line_of(const Transaction& transaction);
std::string line_of(const CommitInfo& info);

// A path's segments percent-encoded, as log and checkpoint hold it.
std::string encoded_path(std::string_view path);

// Names relative to the table. A version is 0 or more.
std::string commit_name(std::int64_t version);
std::string checkpoint_name(std::int64_t version);
inline constexpr char kLastCheckpointName[] = "_delta_log/_last_checkpoint";

// What _last_checkpoint says of a checkpoint, which holds `actions`, `adds` of them files.
struct LastCheckpoint {
  std::int64_t version = 0;
  std::int64_t actions = 0;
  std::int64_t adds = 0;
  std::int64_t bytes = 0;
};
std::string last_checkpoint_json(const LastCheckpoint& checkpoint);

}  // namespace lakehouse::delta
