// SPDX-License-Identifier: PostgreSQL
// DataFiles: writes rows into data files or change files of a table, one after the other. A file
// under way that is not finished leaves nothing behind; finished ones count only once the database
// says so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/digest.hpp"
#include "core/delta/parquet_file.hpp"
#include "core/delta/store.hpp"
#include "worker/publish/debug_steps.hpp"
#include "worker/publish/file_sizes.hpp"
#include "worker/publish/live_file.hpp"

namespace lakehouse::worker::publish {

struct DataFile {
  std::string path;  // below the table's folder
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::string stats;
  std::string key_filter;
};

// Where files go.
struct Folder {
  delta::Store& store;
  std::string location;  // of the table
  const DebugSteps& steps;
};

class DataFiles {
 public:
  enum class Kind : std::uint8_t { kData, kChanges };

  // References outlive it.
  DataFiles(Kind kind, const delta::Schema& schema, Folder folder, FileSizes sizes)
      : kind_(kind), schema_(schema), folder_(std::move(folder)), sizes_(sizes) {}

  // `keys`: of the rows; of change files none are needed.
  Status write(const delta::Batch& batch, const std::vector<delta::Digest>& keys,
               const Context& context);
  // Ends the file under way, so that what comes next lies in another one.
  Status end_file(const Context& context);
  // All files; rows() of them may be 0, then there are none.
  Result<std::vector<DataFile>> finish(const Context& context);

  std::int64_t bytes() const noexcept { return bytes_; }  // of finished files

 private:
  Status open_file(const Context& context);

  const Kind kind_;
  const delta::Schema& schema_;
  const Folder folder_;
  FileSizes sizes_;
  std::string path_;
  std::unique_ptr<delta::Upload> upload_;
  std::unique_ptr<delta::ParquetWriter> writer_;  // after upload_: it uses it
  std::vector<std::uint64_t> hashes_;
  std::vector<DataFile> files_;
  std::int64_t bytes_ = 0;
};

// Opens a file that is there for reading.
struct OpenFile {
  std::unique_ptr<delta::Source> source;
  std::unique_ptr<delta::ParquetReader> reader;
};
Result<OpenFile> open_data_file(const Folder& folder, const LiveFile& file,
                                const delta::Schema& schema, const Context& context);

}  // namespace lakehouse::worker::publish
