// SPDX-License-Identifier: PostgreSQL
// A file's name is random, so that no two publishes ever mean the same one.
#include "worker/publish/data_files.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/delta/key_filter.hpp"

namespace lakehouse::worker::publish {
namespace {

// A batch that is read has at most so many rows, and so many bytes in the file, which are a few
// times that in memory.
constexpr std::int64_t kMostRowsRead = 4096;
constexpr std::int64_t kMostBytesRead = 2 << 20;
// A publish has up to three files open.
constexpr delta::WriterOptions kOptions{
    .row_group_bytes = 16U << 20U, .row_group_rows = 1 << 20, .compression_level = 3};

Result<std::string> random_hex() {
  std::array<unsigned char, 16> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Error{ErrorCode::kInternal, "could not draw a random name", "", ""};
  }
  std::string hex;
  for (const unsigned char byte : bytes) {
    std::array<char, 3> text;
    std::snprintf(text.data(), text.size(), "%02x", byte);
    hex += text.data();
  }
  return hex;
}

std::int64_t rows_per_batch(const LiveFile& file) {
  const std::int64_t row_bytes = file.bytes / std::max<std::int64_t>(file.rows, 1);
  return std::clamp<std::int64_t>(kMostBytesRead / std::max<std::int64_t>(row_bytes, 1), 1,
                                  kMostRowsRead);
}

}  // namespace

Status DataFiles::write(const delta::Batch& batch, const std::vector<delta::Digest>& keys,
                        const Context& context) {
  if (batch.rows() == 0) return kDone;
  if (!writer_) {
    if (Status opened = open_file(context); !opened) return opened;
  }
  if (Status written = writer_->write(batch); !written) return written;
  for (const delta::Digest& key : keys) hashes_.push_back(key.low);
  sizes_.add(batch.rows(), batch.bytes());
  return sizes_.is_full() ? end_file(context) : Status(kDone);
}

Status DataFiles::open_file(const Context& context) {
  auto name = random_hex();
  if (!name) return std::move(name).error();
  path_ = (kind_ == Kind::kData ? "part-" : "_change_data/cdc-") + *name + ".zstd.parquet";
  auto upload = folder_.store.create(folder_.location + '/' + path_, context);
  if (!upload) return std::move(upload).error();
  upload_ = *std::move(upload);
  auto writer = delta::ParquetWriter::open(schema_, *upload_, kOptions);
  if (!writer) return std::move(writer).error();
  writer_ = *std::move(writer);
  return kind_ == Kind::kData ? folder_.steps.reach("file_opened", context) : Status(kDone);
}

Status DataFiles::end_file(const Context& context) {
  if (!writer_) return kDone;
  auto written = writer_->finish();
  writer_.reset();
  if (!written) return std::move(written).error();
  auto stored = upload_->finish(delta::IfPresent::kKeep);
  upload_.reset();
  if (!stored) return std::move(stored).error();
  if (!*stored) {
    return Error{ErrorCode::kInternal, "a new file of a table is there already", "", ""};
  }
  sizes_.end_file(written->bytes);
  bytes_ += written->bytes;
  DataFile file{path_, written->bytes, written->rows, std::move(written->stats), ""};
  if (kind_ == Kind::kData) file.key_filter = delta::make_key_filter(std::move(hashes_));
  hashes_.clear();
  files_.push_back(std::move(file));
  return folder_.steps.reach(kind_ == Kind::kData ? "file_written" : "change_file_written",
                             context);
}

Result<std::vector<DataFile>> DataFiles::finish(const Context& context) {
  if (Status ended = end_file(context); !ended) return std::move(ended).error();
  return std::move(files_);
}

Result<OpenFile> open_data_file(const Folder& folder, const LiveFile& file,
                                const delta::Schema& schema, const Context& context) {
  auto source = folder.store.open(folder.location + '/' + file.path, context);
  if (!source) {
    Error error = std::move(source).error();
    if (error.code == ErrorCode::kNotFound) {
      error.detail = "A data file that the database knows of is gone.";
      error.hint = "Publish the table anew with lakehouse.restart_publishing().";
    }
    return error;
  }
  auto reader = delta::ParquetReader::open(schema, **source, rows_per_batch(file));
  if (!reader) return std::move(reader).error();
  return OpenFile{*std::move(source), *std::move(reader)};
}

}  // namespace lakehouse::worker::publish
