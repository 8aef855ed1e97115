// SPDX-License-Identifier: PostgreSQL
// Parallel reading: order, completeness, the memory window, errors and stopping.
#include "core/warehouse/chunk_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>

#include "core/warehouse/scripted_source.hpp"
#include "core/wire/batch_view.hpp"

namespace lakehouse::warehouse {
namespace {

using wire::CellType;

// `chunks` chunks of `rows` rows each, which count up from 0 over all.
std::vector<ScriptedSource::Chunk> counting_chunks(int chunks, int rows) {
  std::vector<ScriptedSource::Chunk> result;
  for (int i = 0; i < chunks; ++i) {
    ScriptedSource::Chunk chunk;
    chunk.rows = "[";
    for (int row = 0; row < rows; ++row) {
      chunk.rows += std::string(row == 0 ? "" : ",") + "[\"" + std::to_string(i * rows + row) +
                    "\",\"" + std::string(40, 'x') + "\"]";
    }
    chunk.rows += "]";
    chunk.announced_bytes = chunk.rows.size();
    chunk.row_count = static_cast<std::uint64_t>(rows);
    chunk.row_offset = static_cast<std::uint64_t>(i * rows);
    result.push_back(std::move(chunk));
  }
  return result;
}

ChunkReaderOptions counting_options() {
  ChunkReaderOptions options;
  options.format.columns = {{CellType::kInt8, 0, 0}, {CellType::kText, 0, 0}};
  options.format.batch_bytes = 4096;
  options.window_bytes = 1U << 20U;
  return options;
}

Context patience() {
  Context context;
  context.deadline = Deadline::in(std::chrono::seconds(30));
  return context;
}

// Reads to the end; the number of rows if they count up from 0, else an error.
Result<std::int64_t> count_rows(ChunkReader& reader) {
  std::int64_t expected = 0;
  for (;;) {
    auto batch = reader.next(patience());
    if (!batch) return std::move(batch).error();
    if (!*batch) return expected;
    const auto view = wire::BatchView::parse((*batch)->bytes, {CellType::kInt8, CellType::kText});
    if (!view) return view.error();
    for (std::uint32_t row = 0; row < view->row_count(); ++row) {
      if (view->value<std::int64_t>(0, row) != expected++)
        return Error{ErrorCode::kInternal, "row out of order", "", ""};
    }
  }
}

// Answers every call, in random order; at its end, when the reader is gone, also those left over.
class ShufflingServer {
 public:
  explicit ShufflingServer(std::shared_ptr<ScriptedSource> source, unsigned seed)
      : thread_([source = std::move(source),
                 random = std::mt19937(seed)](const std::stop_token& stop) mutable {
          for (bool is_last = false; !is_last; std::this_thread::yield()) {
            is_last = stop.stop_requested();
            std::vector<ScriptedSource::Call> calls = source->take_calls(0);
            std::shuffle(calls.begin(), calls.end(), random);
            for (auto& call : calls) source->answer(std::move(call));
          }
        }) {}

 private:
  std::jthread thread_;
};

TEST(ChunkReader, delivers_all_rows_in_order_whatever_order_chunks_come_in) {
  ParsePool pool(3);
  for (unsigned seed = 0; seed < 20; ++seed) {
    auto source = std::make_shared<ScriptedSource>(counting_chunks(40, 100));
    const ShufflingServer server(source, seed);
    ChunkReaderOptions options = counting_options();
    options.total_rows = 4000;
    ChunkReader reader(source, pool, options);
    const auto rows = count_rows(reader);
    ASSERT_TRUE(rows) << rows.error().message << rows.error().detail;
    EXPECT_EQ(*rows, 4000);
    EXPECT_EQ(reader.stats().chunks, 40U);
    EXPECT_EQ(reader.stats().held_bytes, 0U);
  }
}

TEST(ChunkReader, delivers_the_same_with_chunks_in_reverse) {
  ParsePool pool(2);
  auto source = std::make_shared<ScriptedSource>(counting_chunks(4, 100));
  ChunkReader reader(source, pool, counting_options());
  std::vector<ScriptedSource::Call> calls = source->take_calls(4);
  ASSERT_EQ(calls.size(), 4U);
  std::reverse(calls.begin(), calls.end());
  for (auto& call : calls) source->answer(std::move(call));
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 400);
}

TEST(ChunkReader, reads_a_source_that_answers_at_once) {
  ParsePool pool(2);
  auto source = std::make_shared<ScriptedSource>(counting_chunks(300, 3));
  source->answer_at_once();
  ChunkReader reader(source, pool, counting_options());
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 900);
}

TEST(ChunkReader, ends_at_once_without_chunks) {
  ParsePool pool(1);
  ChunkReaderOptions options = counting_options();
  options.total_rows = 0;
  ChunkReader reader(std::make_shared<ScriptedSource>(counting_chunks(0, 0)), pool, options);
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 0);
}

TEST(ChunkReader, passes_over_empty_chunks) {
  ParsePool pool(2);
  auto chunks = counting_chunks(3, 10);
  chunks.insert(chunks.begin(), {"[]", 2, 0, 0, {}});
  chunks.push_back({"[]", 2, 0, 30, {}});
  auto source = std::make_shared<ScriptedSource>(chunks);
  source->answer_at_once();
  ChunkReader reader(source, pool, counting_options());
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 30);
}

TEST(ChunkReader, stays_within_the_window) {
  ParsePool pool(3);
  auto chunks = counting_chunks(30, 500);
  const std::size_t chunk_bytes = chunks[0].rows.size();
  auto source = std::make_shared<ScriptedSource>(chunks);
  const ShufflingServer server(source, 1);
  ChunkReaderOptions options = counting_options();
  options.window_bytes = 3 * chunk_bytes;
  ChunkReader reader(source, pool, options);
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 15'000);
  EXPECT_LE(reader.stats().most_held_bytes, options.window_bytes);
  EXPECT_GE(reader.stats().most_held_bytes, chunk_bytes * 2);
}

TEST(ChunkReader, holds_a_chunk_larger_than_the_window_alone) {
  ParsePool pool(3);
  auto chunks = counting_chunks(5, 500);
  const std::size_t chunk_bytes = chunks[4].rows.size();
  auto source = std::make_shared<ScriptedSource>(chunks);
  const ShufflingServer server(source, 1);
  ChunkReaderOptions options = counting_options();
  options.format.batch_bytes = 1024;
  options.window_bytes = chunk_bytes / 2;
  ChunkReader reader(source, pool, options);
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 2500);
  EXPECT_LT(reader.stats().most_held_bytes, chunk_bytes * 3 / 2);
}

TEST(ChunkReader, reads_on_when_sizes_are_unknown) {
  ParsePool pool(2);
  auto chunks = counting_chunks(20, 100);
  for (auto& chunk : chunks) chunk.announced_bytes = 0;
  auto source = std::make_shared<ScriptedSource>(chunks);
  const ShufflingServer server(source, 3);
  ChunkReader reader(source, pool, counting_options());
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 2000);
}

TEST(ChunkReader, gets_a_chunk_again_that_is_larger_than_announced) {
  ParsePool pool(2);
  auto chunks = counting_chunks(6, 5000);
  for (auto& chunk : chunks) chunk.announced_bytes = 100;
  auto source = std::make_shared<ScriptedSource>(chunks);
  const ShufflingServer server(source, 4);
  ChunkReader reader(source, pool, counting_options());
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows, 30'000);
  EXPECT_GT(source->fetches_of(5), 1);
}

TEST(ChunkReader, fetches_no_more_than_fits_while_nobody_reads) {
  ParsePool pool(2);
  auto chunks = counting_chunks(30, 500);
  const std::size_t chunk_bytes = chunks[0].rows.size();
  auto source = std::make_shared<ScriptedSource>(chunks);
  source->answer_at_once();
  ChunkReaderOptions options = counting_options();
  options.window_bytes = 4 * chunk_bytes;
  ChunkReader reader(source, pool, options);
  ASSERT_TRUE(reader.next(patience()));
  EXPECT_LE(reader.stats().most_held_bytes, options.window_bytes);
  EXPECT_LT(reader.stats().chunks, 10U);
}

TEST(ChunkReader, reports_an_error_of_a_later_chunk_and_keeps_it) {
  ParsePool pool(2);
  auto chunks = counting_chunks(4, 10);
  chunks[2].error = Error{ErrorCode::kUnreachable, "no route", "", ""};
  auto source = std::make_shared<ScriptedSource>(chunks);
  source->answer_at_once();
  ChunkReader reader(source, pool, counting_options());
  const auto rows = count_rows(reader);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().message, "no route");
  const auto again = reader.next(patience());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "no route");
}

void expect_contradiction(const std::vector<ScriptedSource::Chunk>& chunks,
                          std::optional<std::uint64_t> total_rows) {
  ParsePool pool(2);
  auto source = std::make_shared<ScriptedSource>(chunks);
  source->answer_at_once();
  ChunkReaderOptions options = counting_options();
  options.total_rows = total_rows;
  ChunkReader reader(source, pool, options);
  const auto rows = count_rows(reader);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::kInvalidResponse);
}

TEST(ChunkReader, refuses_a_chunk_with_another_number_of_rows) {
  auto chunks = counting_chunks(3, 10);
  chunks[1].row_count = 11;
  expect_contradiction(chunks, {});
}

TEST(ChunkReader, refuses_a_chunk_that_came_twice) {
  auto chunks = counting_chunks(3, 10);
  chunks[1] = chunks[0];
  expect_contradiction(chunks, {});
}

TEST(ChunkReader, refuses_another_total_of_rows) {
  expect_contradiction(counting_chunks(3, 10), 31);
  expect_contradiction(counting_chunks(0, 0), 1);
}

TEST(ChunkReader, refuses_a_truncated_chunk_at_any_byte) {
  ParsePool pool(2);
  auto chunks = counting_chunks(2, 3);
  for (auto& chunk : chunks) chunk.row_count.reset();
  const std::string whole = chunks[1].rows;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    chunks[1].rows = whole.substr(0, size);
    auto source = std::make_shared<ScriptedSource>(chunks);
    source->answer_at_once();
    ChunkReader reader(source, pool, counting_options());
    const auto rows = count_rows(reader);
    ASSERT_FALSE(rows) << size;
    EXPECT_EQ(rows.error().code, ErrorCode::kInvalidResponse) << size;
  }
}

TEST(ChunkReader, stop_ends_a_waiting_reader_and_its_fetches) {
  ParsePool pool(1);
  auto source = std::make_shared<ScriptedSource>(counting_chunks(3, 10));
  ChunkReader reader(source, pool, counting_options());
  std::vector<ScriptedSource::Call> calls = source->take_calls(3);
  std::jthread stopper([&] { reader.stop(); });
  const auto batch = reader.next(patience());
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::kCancelled);
  stopper.join();
  for (const auto& call : calls) EXPECT_TRUE(call.context.stop.stop_requested());
}

TEST(ChunkReader, next_heeds_its_own_stop_and_deadline) {
  ParsePool pool(1);
  auto source = std::make_shared<ScriptedSource>(counting_chunks(1, 10));
  ChunkReader reader(source, pool, counting_options());
  std::stop_source stop;
  Context context;
  context.stop = stop.get_token();
  stop.request_stop();
  EXPECT_EQ(reader.next(context).error().code, ErrorCode::kCancelled);
  Context late;
  late.deadline = Deadline::in(std::chrono::milliseconds(1));
  EXPECT_EQ(reader.next(late).error().code, ErrorCode::kTimeout);
  for (auto& call : source->take_calls(1)) source->answer(std::move(call));
  EXPECT_TRUE(reader.next(patience()));
}

TEST(ChunkReader, outlives_nothing_when_destroyed_in_mid_flight) {
  ParsePool pool(2);
  for (int round = 0; round < 50; ++round) {
    auto source = std::make_shared<ScriptedSource>(counting_chunks(10, 200));
    const ShufflingServer server(source, static_cast<unsigned>(round));
    ChunkReader reader(source, pool, counting_options());
    if (round % 2 == 0) {
      EXPECT_TRUE(reader.next(patience()));
    }
  }
}

TEST(ChunkReader, shares_one_pool_among_readers_without_starving_any) {
  ParsePool pool(1);
  auto stuck_source = std::make_shared<ScriptedSource>(counting_chunks(50, 500));
  stuck_source->answer_at_once();
  ChunkReader stuck(stuck_source, pool, counting_options());  // nobody reads it
  auto source = std::make_shared<ScriptedSource>(counting_chunks(20, 100));
  source->answer_at_once();
  ChunkReader reader(source, pool, counting_options());
  const auto rows = count_rows(reader);
  ASSERT_TRUE(rows);
  EXPECT_EQ(*rows, 2000);
}

}  // namespace
}  // namespace lakehouse::warehouse
