// SPDX-License-Identifier: PostgreSQL
// Members stand in the order in which Spark writes them.
#include "core/delta/action.hpp"

#include <cstdio>
#include <string_view>

#include "core/base/json_text.hpp"

namespace lakehouse::delta {
namespace {

// An object under way: {"name":{ … }} and a line break.
class Line {
 public:
  explicit Line(std::string_view action) {
    json_ += '{';
    append_json_string(json_, action);
    json_ += ":{";
  }

  Line& text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(json_, value);
    return *this;
  }
  Line& number(std::string_view name, std::int64_t value) {
    return raw(name, std::to_string(value));
  }
  Line& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  Line& raw(std::string_view name, std::string_view json) {
    key(name);
    json_ += json;
    return *this;
  }
  Line& map(std::string_view name, const Properties& properties) {
    key(name);
    json_ += '{';
    for (const auto& [property, value] : properties) {
      key(property);
      append_json_string(json_, value);
    }
    json_ += '}';
    return *this;
  }

  std::string end() { return std::move(json_) + "}}\n"; }

 private:
  void key(std::string_view name) {
    if (json_.back() != '{') json_ += ',';
    append_json_string(json_, name);
    json_ += ':';
  }

  std::string json_;
};

std::string log_name(std::int64_t version, const char* ending) {
  char name[80];
  std::snprintf(name, sizeof name, "_delta_log/%020lld%s", static_cast<long long>(version), ending);
  return name;
}

}  // namespace

std::string line_of(const Protocol& protocol) {
  return Line("protocol")
      .number("minReaderVersion", protocol.reader_version)
      .number("minWriterVersion", protocol.writer_version)
      .end();
}

std::string line_of(const Metadata& metadata) {
  Line line("metaData");
  line.text("id", metadata.id);
  if (!metadata.name.empty()) line.text("name", metadata.name);
  if (!metadata.description.empty()) line.text("description", metadata.description);
  return line.raw("format", R"({"provider":"parquet","options":{}})")
      .text("schemaString", metadata.schema_json)
      .raw("partitionColumns", "[]")
      .map("configuration", metadata.configuration)
      .number("createdTime", metadata.created_ms)
      .end();
}

std::string line_of(const AddFile& file) {
  Line line("add");
  line.text("path", encoded_path(file.path))
      .raw("partitionValues", "{}")
      .number("size", file.bytes)
      .number("modificationTime", file.modified_ms)
      .boolean("dataChange", file.data_change == DataChange::kYes);
  if (!file.stats.empty()) line.text("stats", file.stats);
  return line.end();
}

std::string line_of(const RemoveFile& file) {
  return Line("remove")
      .text("path", encoded_path(file.path))
      .number("deletionTimestamp", file.deleted_ms)
      .boolean("dataChange", file.data_change == DataChange::kYes)
      .boolean("extendedFileMetadata", true)
      .raw("partitionValues", "{}")
      .number("size", file.bytes)
      .end();
}

std::string line_of(const ChangeFile& file) {
  return Line("cdc")
      .text("path", encoded_path(file.path))
      .raw("partitionValues", "{}")
      .number("size", file.bytes)
      .boolean("dataChange", false)
      .end();
}

std::string line_of(const Transaction& transaction) {
  return Line("txn")
      .text("appId", transaction.application_id)
      .number("version", transaction.version)
      .number("lastUpdated", transaction.updated_ms)
      .end();
}

std::string line_of(const CommitInfo& info) {
  return Line("commitInfo")
      .number("timestamp", info.timestamp_ms)
      .text("operation", info.operation)
      .map("operationParameters", info.parameters)
      .text("engineInfo", info.engine)
      .end();
}

std::string encoded_path(std::string_view path) {
  std::string encoded;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = path.find('/', start);
    encoded += percent_encoded(path.substr(start, end - start));
    if (end == std::string_view::npos) return encoded;
    encoded += '/';
    start = end + 1;
  }
}

std::string commit_name(std::int64_t version) { return log_name(version, ".json"); }

std::string checkpoint_name(std::int64_t version) {
  return log_name(version, ".checkpoint.parquet");
}

std::string last_checkpoint_json(const LastCheckpoint& checkpoint) {
  return R"({"version":)" + std::to_string(checkpoint.version) + R"(,"size":)" +
         std::to_string(checkpoint.actions) + R"(,"sizeInBytes":)" +
         std::to_string(checkpoint.bytes) + R"(,"numOfAddFiles":)" +
         std::to_string(checkpoint.adds) + "}\n";
}

}  // namespace lakehouse::delta
