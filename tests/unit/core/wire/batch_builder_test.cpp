// SPDX-License-Identifier: PostgreSQL
// BatchBuilder and BatchView: the layout that backends read blindly.
#include "core/wire/batch_builder.hpp"

#include <gtest/gtest.h>

#include <random>

#include "core/wire/batch_view.hpp"

namespace lakehouse::wire {
namespace {

const std::vector<CellType> kColumns = {CellType::kInt4, CellType::kText, CellType::kBool,
                                        CellType::kInterval, CellType::kNumeric};

void append_row(BatchBuilder& builder, int number) {
  builder.append(0, std::int32_t{number});
  if (number % 3 == 0) {
    builder.append_null(1);
  } else {
    builder.append_varlena(1, std::string(static_cast<std::size_t>(number), 'x'));
  }
  builder.append(2, static_cast<std::uint8_t>(number % 2));
  builder.append(3, Interval{number * 1000LL, number, -number});
  builder.append_varlena(4, std::string_view("\x00\x80", 2));
  builder.end_row();
}

std::string make_batch(int rows) {
  BatchBuilder builder(kColumns, 1U << 20U);
  for (int i = 0; i < rows; ++i) append_row(builder, i);
  return builder.finish();
}

void expect_rows(const std::string& batch, int rows) {
  const auto view = BatchView::parse(batch, kColumns);
  ASSERT_TRUE(view) << view.error().detail;
  ASSERT_EQ(view->row_count(), static_cast<std::uint32_t>(rows));
  for (std::uint32_t row = 0; row < view->row_count(); ++row) {
    const int number = static_cast<int>(row);
    EXPECT_EQ(view->value<std::int32_t>(0, row), number);
    EXPECT_EQ(view->is_null(1, row), number % 3 == 0);
    if (!view->is_null(1, row)) {
      EXPECT_EQ(view->payload(1, row), std::string(row, 'x'));
    }
    EXPECT_EQ(view->value<std::uint8_t>(2, row), number % 2);
    EXPECT_EQ(view->value<Interval>(3, row).months, -number);
    EXPECT_EQ(view->payload(4, row), std::string_view("\x00\x80", 2));
  }
}

TEST(BatchBuilder, builds_what_the_view_reads) {
  for (const int rows : {0, 1, 7, 8, 9, 100}) expect_rows(make_batch(rows), rows);
}

TEST(BatchBuilder, is_empty_and_reusable_after_finish) {
  BatchBuilder builder(kColumns, 1U << 20U);
  for (int i = 0; i < 50; ++i) append_row(builder, i);
  builder.finish();
  EXPECT_EQ(builder.row_count(), 0U);
  EXPECT_EQ(builder.size(), 0U);
  for (int i = 0; i < 20; ++i) append_row(builder, i);
  expect_rows(builder.finish(), 20);
}

TEST(BatchBuilder, aligns_parts_to_eight_and_varlenas_to_four) {
  const std::string batch = make_batch(13);
  const auto view = BatchView::parse(batch, kColumns);
  ASSERT_TRUE(view);
  for (std::size_t column = 0; column < kColumns.size(); ++column) {
    EXPECT_EQ((view->fixed(column, 0) - batch.data()) % 8, 0);
  }
  for (std::uint32_t row = 0; row < view->row_count(); ++row) {
    if (!view->is_null(1, row)) {
      EXPECT_EQ((view->varlena(1, row) - batch.data()) % 4, 0);
    }
  }
}

TEST(BatchBuilder, writes_no_bitmap_without_nulls) {
  BatchBuilder builder({CellType::kInt8}, 1024);
  builder.append(0, std::int64_t{5});
  builder.end_row();
  const std::string batch = builder.finish();
  ColumnHeader header{};
  std::memcpy(&header, batch.data() + sizeof(BatchHeader), sizeof(header));
  EXPECT_EQ(header.null_count, 0U);
  EXPECT_EQ(header.nulls_offset, 0U);
  EXPECT_EQ(batch.size(), sizeof(BatchHeader) + sizeof(ColumnHeader) + 8);
}

TEST(BatchBuilder, zeroes_the_cell_of_a_null) {
  BatchBuilder builder({CellType::kInt8, CellType::kText}, 1024);
  builder.append_null(0);
  builder.append_null(1);
  builder.end_row();
  const std::string batch = builder.finish();
  const auto view = BatchView::parse(batch, {CellType::kInt8, CellType::kText});
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->is_null(0, 0));
  EXPECT_EQ(view->value<std::int64_t>(0, 0), 0);
  EXPECT_EQ(view->value<std::uint32_t>(1, 0), 0U);
}

TEST(BatchBuilder, is_full_from_the_wanted_size_on) {
  BatchBuilder builder({CellType::kText}, 100);
  int rows = 0;
  for (; !builder.is_full(); ++rows) {
    builder.append_varlena(0, "12345678");
    builder.end_row();
  }
  EXPECT_EQ(rows, 7);  // 4 bytes of offset, 4 of header, 8 of text
}

TEST(BatchBuilder, counts_rows_without_columns) {
  BatchBuilder builder({}, 10);
  for (int i = 0; i < 10; ++i) builder.end_row();
  EXPECT_TRUE(builder.is_full());
  const std::string batch = builder.finish();
  const auto view = BatchView::parse(batch, {});
  ASSERT_TRUE(view);
  EXPECT_EQ(view->row_count(), 10U);
}

TEST(BatchView, refuses_other_columns) {
  const std::string batch = make_batch(3);
  EXPECT_FALSE(BatchView::parse(batch, {CellType::kInt4}));
  std::vector<CellType> other = kColumns;
  other[0] = CellType::kDate;
  EXPECT_FALSE(BatchView::parse(batch, other));
}

TEST(BatchView, refuses_every_truncation) {
  const std::string batch = make_batch(5);
  for (std::size_t size = 0; size < batch.size(); ++size) {
    const std::string part = batch.substr(0, size);
    EXPECT_FALSE(BatchView::parse(part, kColumns)) << size;
  }
}

TEST(BatchView, refuses_a_bool_that_is_neither) {
  std::string batch = make_batch(1);
  ColumnHeader header{};
  std::memcpy(&header, batch.data() + sizeof(BatchHeader) + 2 * sizeof(header), sizeof(header));
  batch[header.values_offset] = 2;
  EXPECT_FALSE(BatchView::parse(batch, kColumns));
}

// Whatever a damaged batch says: it is refused, or every cell lies within it (which the sanitizer
// watches).
TEST(BatchView, never_reads_outside_a_damaged_batch) {
  std::mt19937 random(1);
  const std::string sound = make_batch(9);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = std::make_unique<std::string>(sound);
    for (unsigned i = 0; i <= random() % 3; ++i)
      (*damaged)[random() % sound.size()] = static_cast<char>(random());
    const auto view = BatchView::parse(*damaged, kColumns);
    if (!view) {
      ++refused;
      continue;
    }
    std::size_t sum = 0;
    for (std::uint32_t row = 0; row < view->row_count(); ++row) {
      sum += static_cast<std::size_t>(view->value<std::int32_t>(0, row)) +
             view->value<std::uint8_t>(2, row);
      sum += static_cast<std::size_t>(view->value<Interval>(3, row).days);
      for (const std::size_t column : {std::size_t{1}, std::size_t{4}}) {
        if (view->is_null(column, row)) continue;
        for (const char c : view->payload(column, row)) sum += static_cast<unsigned char>(c);
      }
    }
    EXPECT_NE(sum, 0U);
  }
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace lakehouse::wire
