// SPDX-License-Identifier: PostgreSQL
// Written straight into one text: a query of a thousand files is a megabyte of it.
#include "worker/sharing/lines.hpp"

#include "core/base/json_text.hpp"
#include "worker/json/text.hpp"

namespace lakehouse::worker::sharing {
namespace {

// Of a line, beside the statistics: half of it is the URL.
constexpr std::size_t kUsualLineBytes = 600;
// Of so many bytes of statistics, one is a quote, and escaped.
constexpr std::size_t kBytesOfQuote = 4;

}  // namespace

Lines::Lines(const Capabilities& capabilities, const SharedTable& table, const UrlWriter* urls,
             std::chrono::sys_seconds expires_at)
    : capabilities_(capabilities),
      table_(table),
      urls_(urls),
      expires_ms_(expires_at.time_since_epoch().count() * 1000) {}

void Lines::reserve(const std::vector<const DataFile*>& files) {
  std::size_t bytes = 0;
  for (const DataFile* file : files) {
    bytes += kUsualLineBytes + file->stats.size() + file->stats.size() / kBytesOfQuote;
  }
  text_.reserve(text_.size() + bytes);
}

void Lines::protocol() {
  text_ += capabilities_.format == Format::kParquet
               ? "{\"protocol\":{\"minReaderVersion\":1}}\n"
               : "{\"protocol\":{\"deltaProtocol\":"
                 "{\"minReaderVersion\":1,\"minWriterVersion\":4}}}\n";
}

void Lines::metadata(const TableMetadata& metadata, std::int64_t version, const Size* size,
                     bool has_credentials) {
  const bool is_delta = capabilities_.format == Format::kDelta;
  begin("metaData");
  if (!is_delta) metadata_members(metadata, is_delta);
  number("version", version);
  if (size != nullptr) {
    number("size", size->bytes);
    number("numFiles", size->files);
  }
  if (has_credentials) raw("accessModes", R"(["url","dir"])");
  if (is_delta) {
    raw("deltaMetadata", "{");
    metadata_members(metadata, is_delta);
    text_ += '}';
  }
  end("}}\n");
}

void Lines::metadata_members(const TableMetadata& metadata, bool is_delta) {
  string("id", metadata.id);
  string("name", table_.name);
  if (!table_.description.empty()) string("description", table_.description);
  raw("format", is_delta ? R"({"provider":"parquet","options":{}})" : R"({"provider":"parquet"})");
  string("schemaString", metadata.schema_string);
  raw("partitionColumns", "[]");
  raw("configuration", metadata.configuration);
  if (is_delta) number("createdTime", metadata.created_ms);
}

void Lines::file(const DataFile& file, const Change* at) {
  if (capabilities_.format == Format::kDelta) return delta_file(Change::Kind::kAdd, file, at);
  parquet_file("file", file, at);
}

void Lines::change(const Change& change) {
  if (capabilities_.format == Format::kDelta) return delta_file(change.kind, change.file, &change);
  const char* action = change.kind == Change::Kind::kAdd      ? "add"
                       : change.kind == Change::Kind::kRemove ? "remove"
                                                              : "cdf";
  parquet_file(action, change.file, &change);
}

void Lines::end_of_stream(const End& tokens) {
  begin("endStreamAction");
  if (!tokens.refresh_token.empty()) string("refreshToken", tokens.refresh_token);
  if (!tokens.next_page_token.empty()) string("nextPageToken", tokens.next_page_token);
  if (urls_ != nullptr) number("minUrlExpirationTimestamp", expires_ms_);
  end("}}\n");
}

void Lines::parquet_file(std::string_view action, const DataFile& file, const Change* at) {
  begin(action);
  url_and_id("url", file);
  raw("partitionValues", "{}");
  number("size", file.bytes);
  if (!file.stats.empty() && action != "remove") string("stats", file.stats);
  if (at != nullptr) {
    number("version", at->version);
    number("timestamp", at->committed_ms);
  }
  number("expirationTimestamp", expires_ms_);
  end("}}\n");
}

void Lines::delta_file(Change::Kind kind, const DataFile& file, const Change* at) {
  begin("file");
  plain_string("id", capabilities_.id_hash == IdHash::kMd5 ? file.md5 : file.sha256);
  number("size", file.bytes);
  if (at != nullptr) {
    number("version", at->version);
    number("timestamp", at->committed_ms);
  }
  number("expirationTimestamp", expires_ms_);
  const bool is_removal = kind == Change::Kind::kRemove;
  raw("deltaSingleAction", is_removal                          ? R"({"remove":{)"
                           : kind == Change::Kind::kChangeFile ? R"({"cdc":{)"
                                                               : R"({"add":{)");
  plain_string("path", urls_->url_of(file.path));
  if (is_removal) raw("extendedFileMetadata", "true");
  raw("partitionValues", "{}");
  number("size", file.bytes);
  if (kind == Change::Kind::kAdd) number("modificationTime", file.modified_ms);
  if (is_removal) number("deletionTimestamp", file.modified_ms);
  raw("dataChange", kind == Change::Kind::kChangeFile ? "false" : "true");
  if (kind == Change::Kind::kAdd) string("stats", file.stats);
  end("}}}}\n");
}

void Lines::url_and_id(std::string_view name, const DataFile& file) {
  plain_string(name, urls_->url_of(file.path));
  plain_string("id", capabilities_.id_hash == IdHash::kMd5 ? file.md5 : file.sha256);
}

void Lines::begin(std::string_view action) {
  text_ += "{\"";
  text_ += action;
  text_ += "\":{";
}

void Lines::string(std::string_view name, std::string_view value) {
  raw(name, "");
  append_json_string(text_, value);
}

void Lines::plain_string(std::string_view name, std::string_view value) {
  raw(name, "\"");
  text_ += value;
  text_ += '"';
}

void Lines::number(std::string_view name, std::int64_t value) { raw(name, std::to_string(value)); }

void Lines::raw(std::string_view name, std::string_view json) {
  if (text_.back() != '{') text_ += ',';
  text_ += '"';
  text_ += name;
  text_ += "\":";
  text_ += json;
}

void Lines::end(std::string_view braces) { text_ += braces; }

}  // namespace lakehouse::worker::sharing
