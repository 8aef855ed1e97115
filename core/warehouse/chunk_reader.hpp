// SPDX-License-Identifier: PostgreSQL
// ChunkReader: fetches a result's chunks in parallel, parses them on the pool, delivers batches
// strictly in order. Bodies and batches together stay within the window; a chunk larger than the
// window is held alone. Waits only in next(); fetching and parsing go on between calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/warehouse/chunk_source.hpp"
#include "core/warehouse/json_rows.hpp"
#include "core/warehouse/parse_pool.hpp"
#include "core/warehouse/warehouse.hpp"

namespace lakehouse::warehouse {

struct ChunkReaderOptions {
  RowFormat format;
  std::size_t window_bytes = 64U << 20U;
  std::size_t max_parallel_fetches = 8;
  std::optional<std::uint64_t> total_rows;  // checked at the end
  std::string request_id;
};

struct ChunkReaderStats {
  std::uint64_t rows = 0;    // delivered
  std::uint64_t chunks = 0;  // fetched
  std::uint64_t bytes_received = 0;
  std::size_t held_bytes = 0;  // bodies, batches and announced bodies under way
  std::size_t most_held_bytes = 0;
};

class ChunkReader {
 public:
  ChunkReader(std::shared_ptr<ChunkSource> source, ParsePool& pool, ChunkReaderOptions options);
  ~ChunkReader();  // stops; doesn't wait for calls under way
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  // The next batch, or nothing after the last. The first error of any chunk ends the reading: it is
  // returned as soon as it is known, and again by each later call. kCancelled after stop().
  Result<std::optional<Batch>> next(const Context& context);

  // From any thread, at any time: ends fetches and parsing.
  void stop() noexcept;

  ChunkReaderStats stats() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lakehouse::warehouse
