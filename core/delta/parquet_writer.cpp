// SPDX-License-Identifier: PostgreSQL
// Batches are gathered until they fill a row group, which is then written column by column: so only
// one column's pages are in memory at a time, and not those of all.
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <parquet/arrow/writer.h>

#include "core/delta/arrow.hpp"
#include "core/delta/parquet_file.hpp"
#include "core/delta/statistics.hpp"

namespace lakehouse::delta {
namespace {

constexpr char kCouldNotWrite[] = "could not write a data file";

}  // namespace

struct ParquetWriter::State {
  State(const Schema& schema, Sink& sink, const WriterOptions& wanted)
      : options(wanted),
        columns(arrow_schema(schema)),
        statistics(schema),
        stream(std::make_shared<SinkStream>(sink)) {}

  WriterOptions options;
  std::shared_ptr<arrow::Schema> columns;
  Statistics statistics;
  std::shared_ptr<SinkStream> stream;
  std::unique_ptr<parquet::arrow::FileWriter> file;
  arrow::RecordBatchVector gathered;
  std::size_t gathered_bytes = 0;
  std::int64_t gathered_rows = 0;

  arrow::Status open() {
    return arrow::Result(
               parquet::arrow::FileWriter::Open(*columns, memory(), stream,
                                                writer_properties(options.compression_level),
                                                arrow_writer_properties()))
        .Value(&file);
  }

  bool is_group_full() const {
    return gathered_bytes >= options.row_group_bytes || gathered_rows >= options.row_group_rows;
  }

  arrow::Status write_group() {
    if (gathered_rows == 0) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches(columns, gathered));
    ARROW_RETURN_NOT_OK(file->WriteTable(*table, options.row_group_rows));
    gathered.clear();
    gathered_bytes = 0;
    gathered_rows = 0;
    return arrow::Status::OK();
  }
};

ParquetWriter::ParquetWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

// Parquet closes a file that is left open, which would write a footer.
ParquetWriter::~ParquetWriter() { state_->stream->abandon(); }

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::open(const Schema& schema, Sink& sink,
                                                           const WriterOptions& options) {
  if (Status status = check(schema); !status) return std::move(status).error();
  auto state = std::make_unique<State>(schema, sink, options);
  const auto status = without_throwing([&] { return state->open(); });
  if (!status.ok()) return state->stream->explain(status, kCouldNotWrite);
  return std::unique_ptr<ParquetWriter>(new ParquetWriter(std::move(state)));
}

Status ParquetWriter::write(const Batch& batch) {
  if (batch.rows() == 0) return kDone;
  state_->statistics.add(batch);
  state_->gathered.push_back(batch.columns());
  state_->gathered_bytes += batch.bytes();
  state_->gathered_rows += batch.rows();
  if (!state_->is_group_full()) return kDone;
  const auto status = without_throwing([this] { return state_->write_group(); });
  if (!status.ok()) return state_->stream->explain(status, kCouldNotWrite);
  return kDone;
}

Result<WrittenFile> ParquetWriter::finish() {
  const auto status = without_throwing([this] {
    ARROW_RETURN_NOT_OK(state_->write_group());
    return state_->file->Close();
  });
  if (!status.ok()) return state_->stream->explain(status, kCouldNotWrite);
  return WrittenFile{state_->stream->written(), state_->statistics.rows(),
                     state_->statistics.json()};
}

}  // namespace lakehouse::delta
