// SPDX-License-Identifier: PostgreSQL
// One row group after the other; of each the wanted columns only.
#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include "core/delta/arrow.hpp"
#include "core/delta/parquet_file.hpp"

namespace lakehouse::delta {
namespace {

constexpr char kCouldNotRead[] = "could not read a data file";
constexpr int kAbsent = -1;

parquet::ArrowReaderProperties reader_properties(std::int64_t rows_per_batch) {
  parquet::ArrowReaderProperties properties(false);
  properties.set_batch_size(rows_per_batch);
  properties.set_pre_buffer(false);  // would read on threads of Arrow's own
  return properties;
}

// The leaf columns that a root column of the file is made of.
void append_leaves(std::vector<int>& leaves, const parquet::SchemaDescriptor& file, int root) {
  for (int leaf = 0; leaf < file.num_columns(); ++leaf) {
    const auto* node = file.GetColumnRoot(leaf);
    if (node == file.group_node()->field(root).get()) leaves.push_back(leaf);
  }
}

// Arrow compares the names of list elements too, which are the writer's choice.
bool has_type(const Column& column, const arrow::DataType& type) {
  const auto wanted = arrow_type(column);
  if (wanted->id() != type.id()) return false;
  if (!column.type.is_array) return wanted->Equals(type);
  return static_cast<const arrow::ListType&>(*wanted).value_type()->Equals(
      static_cast<const arrow::ListType&>(type).value_type());
}

}  // namespace

struct ParquetReader::State {
  State(const Schema& wanted, const Source& source)
      : schema(wanted), columns(arrow_schema(wanted)), file(std::make_shared<SourceFile>(source)) {}

  Schema schema;
  std::shared_ptr<arrow::Schema> columns;
  std::shared_ptr<SourceFile> file;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::shared_ptr<arrow::RecordBatchReader> batches;
  std::vector<int> positions;  // of the schema's columns among those that are read
  std::int64_t rows = 0;

  arrow::Status open(std::int64_t rows_per_batch) {
    parquet::ReaderProperties properties(memory());
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file, properties));
    ARROW_ASSIGN_OR_RAISE(
        reader,
        builder.memory_pool(memory())->properties(reader_properties(rows_per_batch))->Build());
    std::shared_ptr<arrow::Schema> present;
    ARROW_RETURN_NOT_OK(reader->GetSchema(&present));
    std::vector<int> leaves;
    ARROW_RETURN_NOT_OK(find_columns(*present, leaves));
    std::vector<int> groups(static_cast<std::size_t>(reader->num_row_groups()));
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int>(i);
    rows = reader->parquet_reader()->metadata()->num_rows();
    ARROW_ASSIGN_OR_RAISE(batches, reader->GetRecordBatchReader(groups, leaves));
    for (const Column& column : schema.columns) {
      positions.push_back(batches->schema()->GetFieldIndex(column.name));
    }
    return arrow::Status::OK();
  }

  arrow::Status find_columns(const arrow::Schema& present, std::vector<int>& leaves) const {
    for (const Column& column : schema.columns) {
      const int root = present.GetFieldIndex(column.name);
      if (root == kAbsent) {
        if (column.is_nullable) continue;
        return arrow::Status::Invalid("The file has no column \"", column.name, "\".");
      }
      if (!has_type(column, *present.field(root)->type())) {
        return arrow::Status::Invalid("Column \"", column.name, "\" has another type.");
      }
      append_leaves(leaves, *reader->parquet_reader()->metadata()->schema(), root);
    }
    return arrow::Status::OK();
  }

  // Under the schema's own names, order and element fields.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> arrange(const arrow::RecordBatch& read) const {
    arrow::ArrayVector arranged;
    for (std::size_t i = 0; i < positions.size(); ++i) {
      const auto& type = columns->field(static_cast<int>(i))->type();
      std::shared_ptr<arrow::Array> column;
      if (positions[i] == kAbsent) {
        ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(type, read.num_rows(), memory()));
      } else {
        ARROW_ASSIGN_OR_RAISE(column, read.column(positions[i])->View(type));
      }
      arranged.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(columns, read.num_rows(), std::move(arranged));
  }

  arrow::Status read_next(std::shared_ptr<arrow::RecordBatch>& next) const {
    std::shared_ptr<arrow::RecordBatch> read;
    ARROW_RETURN_NOT_OK(batches->ReadNext(&read));
    if (!read) return arrow::Status::OK();
    return arrange(*read).Value(&next);
  }
};

ParquetReader::ParquetReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ParquetReader::~ParquetReader() = default;

Result<std::unique_ptr<ParquetReader>> ParquetReader::open(const Schema& schema,
                                                           const Source& source,
                                                           std::int64_t rows_per_batch) {
  auto state = std::make_unique<State>(schema, source);
  const auto status = without_throwing([&] { return state->open(rows_per_batch); });
  if (!status.ok()) return state->file->explain(status, kCouldNotRead);
  return std::unique_ptr<ParquetReader>(new ParquetReader(std::move(state)));
}

std::int64_t ParquetReader::rows() const noexcept { return state_->rows; }

Result<std::optional<Batch>> ParquetReader::next() {
  std::shared_ptr<arrow::RecordBatch> batch;
  const auto status = without_throwing([&] { return state_->read_next(batch); });
  if (!status.ok()) return state_->file->explain(status, kCouldNotRead);
  if (!batch) return std::optional<Batch>();
  return std::optional<Batch>(Batch(std::move(batch)));
}

}  // namespace lakehouse::delta
