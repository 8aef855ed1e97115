// SPDX-License-Identifier: PostgreSQL
// A row is one action: a struct in the action's column, null in all others.
#include "core/delta/checkpoint.hpp"

#include <arrow/builder.h>
#include <arrow/table.h>
#include <arrow/table_builder.h>
#include <parquet/arrow/writer.h>

#include "core/delta/arrow.hpp"

namespace lakehouse::delta {
namespace {

constexpr char kCouldNotWrite[] = "could not write a checkpoint";
// Rows in memory at a time; with their stats a few megabytes.
constexpr std::int64_t kGroupRows = 10'000;
constexpr int kCompressionLevel = 3;

enum Action { kTransaction, kAdd, kRemove, kMetadata, kProtocol };

auto text_field(const char* name, bool is_nullable = true) {
  return arrow::field(name, arrow::utf8(), is_nullable);
}
auto long_field(const char* name) { return arrow::field(name, arrow::int64()); }
auto map_field(const char* name) {
  return arrow::field(name, arrow::map(arrow::utf8(), arrow::utf8()));
}
auto boolean_field(const char* name) { return arrow::field(name, arrow::boolean()); }
auto integer_field(const char* name) { return arrow::field(name, arrow::int32()); }

// The columns stand in the order of Action.
std::shared_ptr<arrow::Schema> checkpoint_schema() {
  const auto format = arrow::struct_({text_field("provider"), map_field("options")});
  const auto names = arrow::list(arrow::field("element", arrow::utf8()));
  return arrow::schema({
      arrow::field("txn", arrow::struct_({text_field("appId"), long_field("version"),
                                          long_field("lastUpdated")})),
      arrow::field("add", arrow::struct_({text_field("path"), map_field("partitionValues"),
                                          long_field("size"), long_field("modificationTime"),
                                          boolean_field("dataChange"), text_field("stats")})),
      arrow::field("remove", arrow::struct_({text_field("path"), long_field("deletionTimestamp"),
                                             boolean_field("dataChange"),
                                             boolean_field("extendedFileMetadata"),
                                             map_field("partitionValues"), long_field("size")})),
      arrow::field("metaData",
                   arrow::struct_({text_field("id"), text_field("name"), text_field("description"),
                                   arrow::field("format", format), text_field("schemaString"),
                                   arrow::field("partitionColumns", names),
                                   map_field("configuration"), long_field("createdTime")})),
      arrow::field("protocol", arrow::struct_({integer_field("minReaderVersion"),
                                               integer_field("minWriterVersion")})),
  });
}

// Fills the members of a struct one after the other.
class Members {
 public:
  explicit Members(arrow::ArrayBuilder* builder)
      : builder_(static_cast<arrow::StructBuilder&>(*builder)) {
    keep(builder_.Append());
  }

  Members& text(std::string_view value) {
    keep(next<arrow::StringBuilder>().Append(value));
    return *this;
  }
  // Null where a line of JSON would not have the member.
  Members& optional_text(std::string_view value) {
    auto& builder = next<arrow::StringBuilder>();
    keep(value.empty() ? builder.AppendNull() : builder.Append(value));
    return *this;
  }
  Members& number(std::int64_t value) {
    keep(next<arrow::Int64Builder>().Append(value));
    return *this;
  }
  Members& small_number(std::int32_t value) {
    keep(next<arrow::Int32Builder>().Append(value));
    return *this;
  }
  Members& boolean(bool value) {
    keep(next<arrow::BooleanBuilder>().Append(value));
    return *this;
  }
  Members& map(const Properties& properties) {
    auto& builder = next<arrow::MapBuilder>();
    keep(builder.Append());
    for (const auto& [key, value] : properties) {
      keep(static_cast<arrow::StringBuilder&>(*builder.key_builder()).Append(key));
      keep(static_cast<arrow::StringBuilder&>(*builder.item_builder()).Append(value));
    }
    return *this;
  }
  Members& empty_list() {
    keep(next<arrow::ListBuilder>().Append());
    return *this;
  }
  template <typename Fill>
  Members& record(Fill fill) {
    Members members(builder_.child(member_++));
    fill(members);
    keep(members.end());
    return *this;
  }
  arrow::Status end() const { return status_; }

 private:
  template <typename Builder>
  Builder& next() {
    return static_cast<Builder&>(*builder_.child(member_++));
  }
  void keep(const arrow::Status& status) {
    if (status_.ok()) status_ = status;
  }

  arrow::StructBuilder& builder_;
  int member_ = 0;
  arrow::Status status_;
};

arrow::Status fill(arrow::ArrayBuilder* row, const Transaction& transaction) {
  return Members(row)
      .text(transaction.application_id)
      .number(transaction.version)
      .number(transaction.updated_ms)
      .end();
}

// A checkpoint changes no data, whatever the commit of the file did.
arrow::Status fill(arrow::ArrayBuilder* row, const AddFile& file) {
  return Members(row)
      .text(encoded_path(file.path))
      .map({})
      .number(file.bytes)
      .number(file.modified_ms)
      .boolean(false)
      .optional_text(file.stats)
      .end();
}

arrow::Status fill(arrow::ArrayBuilder* row, const RemoveFile& file) {
  return Members(row)
      .text(encoded_path(file.path))
      .number(file.deleted_ms)
      .boolean(false)
      .boolean(true)
      .map({})
      .number(file.bytes)
      .end();
}

arrow::Status fill(arrow::ArrayBuilder* row, const Metadata& metadata) {
  return Members(row)
      .text(metadata.id)
      .optional_text(metadata.name)
      .optional_text(metadata.description)
      .record([](Members& format) { format.text("parquet").map({}); })
      .text(metadata.schema_json)
      .empty_list()
      .map(metadata.configuration)
      .number(metadata.created_ms)
      .end();
}

arrow::Status fill(arrow::ArrayBuilder* row, const Protocol& protocol) {
  return Members(row)
      .small_number(protocol.reader_version)
      .small_number(protocol.writer_version)
      .end();
}

class Rows {
 public:
  explicit Rows(std::shared_ptr<SinkStream> stream)
      : stream_(std::move(stream)), schema_(checkpoint_schema()) {}

  arrow::Status open() {
    ARROW_ASSIGN_OR_RAISE(builder_, arrow::RecordBatchBuilder::Make(schema_, memory()));
    ARROW_ASSIGN_OR_RAISE(file_,
                          parquet::arrow::FileWriter::Open(*schema_, memory(), stream_,
                                                           writer_properties(kCompressionLevel),
                                                           arrow_writer_properties()));
    return arrow::Status::OK();
  }

  template <typename Row>
  arrow::Status append(Action action, const Row& row) {
    for (int column = 0; column < builder_->num_fields(); ++column) {
      if (column == action) {
        ARROW_RETURN_NOT_OK(fill(builder_->GetField(column), row));
      } else {
        ARROW_RETURN_NOT_OK(builder_->GetField(column)->AppendNull());
      }
    }
    ++rows_;
    return ++pending_ < kGroupRows ? arrow::Status::OK() : flush();
  }

  template <typename List>
  arrow::Status append_all(Action action, const List& list) {
    for (const auto& row : list) ARROW_RETURN_NOT_OK(append(action, row));
    return arrow::Status::OK();
  }

  arrow::Status end() {
    ARROW_RETURN_NOT_OK(flush());
    return file_->Close();
  }

  std::int64_t rows() const { return rows_; }

 private:
  arrow::Status flush() {
    if (pending_ == 0) return arrow::Status::OK();
    pending_ = 0;
    ARROW_ASSIGN_OR_RAISE(const auto batch, builder_->Flush());
    ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches({batch}));
    return file_->WriteTable(*table, kGroupRows);
  }

  std::shared_ptr<SinkStream> stream_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
  std::unique_ptr<parquet::arrow::FileWriter> file_;
  std::int64_t rows_ = 0;
  std::int64_t pending_ = 0;
};

arrow::Status write_rows(Rows& rows, const TableState& state) {
  ARROW_RETURN_NOT_OK(rows.open());
  ARROW_RETURN_NOT_OK(rows.append(kProtocol, state.protocol));
  ARROW_RETURN_NOT_OK(rows.append(kMetadata, state.metadata));
  ARROW_RETURN_NOT_OK(rows.append_all(kTransaction, state.transactions));
  ARROW_RETURN_NOT_OK(rows.append_all(kAdd, state.files));
  ARROW_RETURN_NOT_OK(rows.append_all(kRemove, state.removed));
  return rows.end();
}

}  // namespace

Result<LastCheckpoint> write_checkpoint(const TableState& state, std::int64_t version, Sink& sink) {
  const auto stream = std::make_shared<SinkStream>(sink);
  Rows rows(stream);
  const auto status = without_throwing([&] { return write_rows(rows, state); });
  const std::int64_t bytes = stream->written();
  stream->abandon();
  if (!status.ok()) return stream->explain(status, kCouldNotWrite);
  return LastCheckpoint{version, rows.rows(), static_cast<std::int64_t>(state.files.size()), bytes};
}

}  // namespace lakehouse::delta
