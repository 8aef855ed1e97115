// SPDX-License-Identifier: PostgreSQL
// Lines: the answer's stream, one JSON object a line, in the format that the client reads.
// Source: Delta Sharing protocol, "API Response Format in Parquet" and "… in Delta".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "worker/sharing/capabilities.hpp"
#include "worker/sharing/file_urls.hpp"
#include "worker/sharing/snapshot.hpp"

namespace lakehouse::worker::sharing {

class Lines {
 public:
  // `urls` must live as long; they are good until `expires_at`.
  Lines(const Capabilities& capabilities, const SharedTable& table, const UrlWriter* urls,
        std::chrono::sys_seconds expires_at);

  // Room for the lines of these files at once: a text that grows is copied again and again.
  void reserve(const std::vector<const DataFile*>& files);
  void protocol();
  struct Size {
    std::int64_t bytes = 0, files = 0;
  };
  // At which version it is told of, which may be later than the one it came with.
  // `has_credentials`: the client may also read the folder itself.
  void metadata(const TableMetadata& metadata, std::int64_t version, const Size* size,
                bool has_credentials);
  // A file of a snapshot; its version and time only where the client asked for one.
  void file(const DataFile& file, const Change* at);
  // A file that a version brought or took, or what it changed.
  void change(const Change& change);
  struct End {
    std::string refresh_token, next_page_token;
  };
  void end_of_stream(const End& end);

  std::string release() { return std::move(text_); }

 private:
  void begin(std::string_view action);
  void string(std::string_view name, std::string_view value);
  void plain_string(std::string_view name, std::string_view value);  // nothing to be escaped
  void number(std::string_view name, std::int64_t value);
  void raw(std::string_view name, std::string_view json);
  void end(std::string_view braces);
  void url_and_id(std::string_view name, const DataFile& file);
  void parquet_file(std::string_view action, const DataFile& file, const Change* at);
  void delta_file(Change::Kind kind, const DataFile& file, const Change* at);
  void metadata_members(const TableMetadata& metadata, bool is_delta);

  const Capabilities& capabilities_;
  const SharedTable& table_;
  const UrlWriter* urls_;
  const std::int64_t expires_ms_;
  std::string text_;
};

}  // namespace lakehouse::worker::sharing
