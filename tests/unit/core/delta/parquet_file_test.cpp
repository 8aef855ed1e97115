// SPDX-License-Identifier: PostgreSQL
// Data files written and read back; what other readers see of them is asked in tests/delta.
#include "core/delta/parquet_file.hpp"

#include <gtest/gtest.h>

#include "tests/unit/core/delta/built.hpp"
#include "tests/unit/core/delta/memory_file.hpp"

namespace lakehouse::delta::test {
namespace {

Batch numbers(const Schema& schema, std::int64_t first, std::int64_t count) {
  return built(schema, [=](BatchBuilder& builder) {
    for (std::int64_t i = first; i < first + count; ++i) {
      EXPECT_TRUE(builder.append_integer(0, i));
      EXPECT_TRUE(builder.append_text(1, "row " + std::to_string(i)));
    }
  });
}

Schema numbers_schema() { return schema_of({{"id", {.kind = TypeKind::kLong}}, {"text", {}}}); }

WrittenFile write(const Schema& schema, const std::vector<Batch>& batches, MemoryFile& file,
                  const WriterOptions& options = {}) {
  auto writer = ParquetWriter::open(schema, file, options);
  EXPECT_TRUE(writer.is_ok());
  for (const Batch& batch : batches) EXPECT_TRUE((*writer)->write(batch).is_ok());
  auto written = (*writer)->finish();
  EXPECT_TRUE(written.is_ok());
  return *std::move(written);
}

TEST(ParquetFile, rows_of_many_groups_come_back_in_order) {
  const Schema schema = numbers_schema();
  MemoryFile file;
  WriterOptions options;
  options.row_group_rows = 100;
  const WrittenFile written =
      write(schema, {numbers(schema, 0, 250), numbers(schema, 250, 50), numbers(schema, 300, 1)},
            file, options);
  EXPECT_EQ(written.rows, 301);
  EXPECT_EQ(written.bytes, file.bytes());

  auto reader = ParquetReader::open(schema, file, 64);
  ASSERT_TRUE(reader.is_ok());
  EXPECT_EQ((*reader)->rows(), 301);
  std::int64_t expected = 0;
  while (true) {
    auto batch = (*reader)->next();
    ASSERT_TRUE(batch.is_ok());
    if (!*batch) break;
    EXPECT_LE((*batch)->rows(), 64);
    for (std::int64_t row = 0; row < (*batch)->rows(); ++row, ++expected) {
      EXPECT_EQ((*batch)->integer(0, row), expected);
      EXPECT_EQ((*batch)->text(1, row), "row " + std::to_string(expected));
    }
  }
  EXPECT_EQ(expected, 301);
}

TEST(ParquetFile, rows_reach_the_sink_before_the_end_when_a_group_is_full) {
  const Schema schema = numbers_schema();
  MemoryFile file;
  WriterOptions options;
  options.row_group_bytes = 1;
  auto writer = ParquetWriter::open(schema, file, options);
  ASSERT_TRUE(writer.is_ok());
  const std::int64_t before = file.bytes();
  ASSERT_TRUE((*writer)->write(numbers(schema, 0, 10)).is_ok());
  EXPECT_GT(file.bytes(), before);
}

TEST(ParquetFile, a_file_without_rows_is_readable) {
  const Schema schema = numbers_schema();
  MemoryFile file;
  EXPECT_EQ(write(schema, {}, file).rows, 0);
  auto reader = ParquetReader::open(schema, file);
  ASSERT_TRUE(reader.is_ok());
  auto batch = (*reader)->next();
  ASSERT_TRUE(batch.is_ok());
  EXPECT_FALSE(batch->has_value());
}

TEST(ParquetFile, a_column_younger_than_the_file_is_null) {
  MemoryFile file;
  write(numbers_schema(), {numbers(numbers_schema(), 0, 3)}, file);
  Schema wider = schema_of({{"new", {.kind = TypeKind::kLong, .is_array = true}},
                            {"text", {}},
                            {"id", {.kind = TypeKind::kLong}}});
  auto reader = ParquetReader::open(wider, file);
  ASSERT_TRUE(reader.is_ok());
  auto batch = (*reader)->next();
  ASSERT_TRUE(batch.is_ok() && batch->has_value());
  EXPECT_TRUE((*batch)->is_null(0, 2));
  EXPECT_EQ((*batch)->text(1, 2), "row 2");
  EXPECT_EQ((*batch)->integer(2, 2), 2);
}

TEST(ParquetFile, a_column_of_another_type_is_an_error) {
  MemoryFile file;
  write(numbers_schema(), {numbers(numbers_schema(), 0, 3)}, file);
  const auto reader = ParquetReader::open(schema_of({{"id", {.kind = TypeKind::kInteger}}}), file);
  ASSERT_FALSE(reader.is_ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kInvalidResponse);
}

TEST(ParquetFile, a_failing_sink_is_named_and_gets_no_footer) {
  const Schema schema = numbers_schema();
  MemoryFile file;
  file.set_room(200);
  {
    auto writer = ParquetWriter::open(schema, file);
    ASSERT_TRUE(writer.is_ok());
    ASSERT_TRUE((*writer)->write(numbers(schema, 0, 10'000)).is_ok());
    const auto written = (*writer)->finish();
    ASSERT_FALSE(written.is_ok());
    EXPECT_EQ(written.error().message, "no room left");
    file.set_room(1 << 20);
  }
  EXPECT_LE(file.bytes(), 200);
}

TEST(ParquetFile, an_abandoned_writer_writes_nothing_more) {
  const Schema schema = numbers_schema();
  MemoryFile file;
  {
    auto writer = ParquetWriter::open(schema, file);
    ASSERT_TRUE((*writer)->write(numbers(schema, 0, 10)).is_ok());
  }
  EXPECT_LE(file.bytes(), 4);  // the mark at a file's start
}

// Each byte of the footer, and some of the pages, damaged in turn: an error or rows, never a crash.
TEST(ParquetFile, damaged_files_end_in_errors) {
  const Schema schema = numbers_schema();
  MemoryFile whole;
  write(schema, {numbers(schema, 0, 100)}, whole);
  int errors = 0;
  for (std::size_t at = 0; at < whole.content().size(); at += at < 1000 ? 37 : 1) {
    MemoryFile file(whole.content());
    file.content()[at] = static_cast<char>(~file.content()[at]);
    auto reader = ParquetReader::open(schema, file);
    if (!reader) {
      ++errors;
      continue;
    }
    while (true) {
      auto batch = (*reader)->next();
      errors += batch ? 0 : 1;
      if (!batch || !*batch) break;
    }
  }
  EXPECT_GT(errors, 10);
  for (const std::size_t bytes : {0U, 3U, 11U, 100U}) {
    MemoryFile file(whole.content().substr(0, bytes));
    EXPECT_FALSE(ParquetReader::open(schema, file).is_ok()) << bytes;
  }
}

}  // namespace
}  // namespace lakehouse::delta::test
