// SPDX-License-Identifier: PostgreSQL
// One mutex guards the list of chunks. pump() decides under it what to start and starts it without
// it, because a fetch may call back at once. Whoever changes something (a body came, a batch was
// built or taken) pumps.
#include "core/warehouse/chunk_reader.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <stop_token>

#include "core/warehouse/pending.hpp"

namespace lakehouse::warehouse {
namespace {

// More than any chunk of an engine we know (about 20 MB) by far; simdjson's own limit is 4 GiB.
constexpr std::size_t kMaxChunkBytes = 1U << 30U;
// Bounds the bookkeeping when chunks are tiny, and how deep a source that answers at once can nest.
constexpr std::size_t kMaxChunksAhead = 32;

enum class Stage : std::uint8_t { kWaiting, kFetching, kFetched, kDone };

struct Chunk {
  Stage stage = Stage::kWaiting;
  bool is_parsing = false;      // a task owns the body's bytes and the parser
  bool is_begun = false;        // the parser stands in the body
  bool is_delivered = false;    // in part at least
  std::size_t reserved = 0;     // counted while fetching, and then for the body
  std::size_t known_least = 0;  // a body came out larger than this
  ChunkBody body;
  std::unique_ptr<JsonRows> parser;
  std::deque<Batch> batches;
};

Error broken_order(std::string detail) {
  return {ErrorCode::kInvalidResponse, "remote result contradicts its own description",
          std::move(detail),
          "Run the query again; if it fails again, report it with the statement's id."};
}

}  // namespace

struct ChunkReader::State : std::enable_shared_from_this<ChunkReader::State> {
  State(std::shared_ptr<ChunkSource> chunk_source, ParsePool& parse_pool,
        ChunkReaderOptions reader_options)
      : source(std::move(chunk_source)),
        pool(parse_pool),
        options(std::move(reader_options)),
        chunk_count(source->chunk_count()) {}

  // What pump() found to do.
  struct Work {
    struct Fetch {
      std::size_t index;
      std::size_t max_bytes;
    };
    std::vector<Fetch> fetches;
    std::vector<std::size_t> parses;
  };

  void pump();
  Work plan();
  bool plan_fetch(std::size_t index, Work& work);
  bool may_parse(std::size_t index, const Chunk& chunk) const;
  std::size_t reservation_of(std::size_t index, const Chunk& chunk) const;

  void on_fetched(std::size_t index, std::size_t max_bytes, Result<ChunkBody> body);
  void parse(std::size_t index);
  Result<std::optional<Batch>> parse_step(Chunk& chunk);
  void fail(Error error);
  void stop_all() noexcept;

  // With the lock held. Chunks before `head` are delivered and gone; chunks[i] is number head + i.
  Chunk& chunk_at(std::size_t index) { return chunks[index - head]; }
  void hold(std::size_t bytes) {
    stats.held_bytes += bytes;
    stats.most_held_bytes = std::max(stats.most_held_bytes, stats.held_bytes);
  }
  void release(std::size_t bytes) { stats.held_bytes -= bytes; }
  bool is_over() const { return failure.has_value() || is_stopped; }
  // A batch while it is built: the builder's copy and the finished one.
  std::size_t step_bytes() const { return 2 * options.format.batch_bytes; }
  std::optional<Result<std::optional<Batch>>> take();
  Result<std::optional<Batch>> take_batch(Chunk& chunk);
  Result<std::optional<Batch>> take_end();

  const std::shared_ptr<ChunkSource> source;
  ParsePool& pool;
  const ChunkReaderOptions options;
  const std::size_t chunk_count;
  std::stop_source stop;

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<Chunk> chunks;
  std::size_t head = 0;
  std::size_t fetching = 0;
  std::size_t open_parsers = 0;
  std::size_t largest_body = 0;
  std::vector<std::unique_ptr<JsonRows>> idle_parsers;
  bool is_stopped = false;
  std::optional<Error> failure;
  ChunkReaderStats stats;
};

ChunkReader::ChunkReader(std::shared_ptr<ChunkSource> source, ParsePool& pool,
                         ChunkReaderOptions options)
    : state_(std::make_shared<State>(std::move(source), pool, std::move(options))) {
  state_->pump();
}

ChunkReader::~ChunkReader() { stop(); }

void ChunkReader::stop() noexcept { state_->stop_all(); }

ChunkReaderStats ChunkReader::stats() const {
  const std::lock_guard lock(state_->mutex);
  return state_->stats;
}

Result<std::optional<Batch>> ChunkReader::next(const Context& context) {
  State& state = *state_;
  std::optional<Result<std::optional<Batch>>> answer;
  {
    std::unique_lock lock(state.mutex);
    Status status = wait_until(state.changed, lock, context, [&] {
      answer = state.take();
      return answer.has_value();
    });
    if (!status) return std::move(status).error();
  }
  state.pump();
  return std::move(*answer);
}

// What next() can return now, if anything. Leaves chunks behind that are delivered in full.
std::optional<Result<std::optional<Batch>>> ChunkReader::State::take() {
  while (!is_over() && head < chunk_count) {
    if (chunks.empty()) return std::nullopt;
    Chunk& chunk = chunks.front();
    if (!chunk.batches.empty()) return take_batch(chunk);
    if (chunk.stage != Stage::kDone) return std::nullopt;
    chunks.pop_front();
    ++head;
  }
  if (failure) return *failure;
  if (is_stopped) return cancelled_error();
  return take_end();
}

Result<std::optional<Batch>> ChunkReader::State::take_batch(Chunk& chunk) {
  if (!chunk.is_delivered && chunk.body.row_offset && *chunk.body.row_offset != stats.rows) {
    failure = broken_order("Chunk " + std::to_string(head) + " starts at row " +
                           std::to_string(*chunk.body.row_offset) + ", " +
                           std::to_string(stats.rows) + " rows came before it.");
    return *failure;
  }
  chunk.is_delivered = true;
  Batch batch = std::move(chunk.batches.front());
  chunk.batches.pop_front();
  release(batch.bytes.capacity());
  stats.rows += batch.row_count;
  return std::optional<Batch>(std::move(batch));
}

Result<std::optional<Batch>> ChunkReader::State::take_end() {
  if (!options.total_rows || *options.total_rows == stats.rows) return std::optional<Batch>();
  failure = broken_order("It has " + std::to_string(stats.rows) + " rows, " +
                         std::to_string(*options.total_rows) + " were announced.");
  return *failure;
}

void ChunkReader::State::pump() {
  Work work;
  {
    const std::lock_guard lock(mutex);
    work = plan();
  }
  for (const std::size_t index : work.parses) {
    pool.post([self = shared_from_this(), index] { self->parse(index); });
  }
  for (const Work::Fetch& fetch : work.fetches) {
    Context context;
    context.stop = stop.get_token();
    context.request_id = options.request_id;
    source->fetch(fetch.index, fetch.max_bytes, std::move(context),
                  [self = shared_from_this(), fetch](Result<ChunkBody> body) {
                    self->on_fetched(fetch.index, fetch.max_bytes, std::move(body));
                  });
  }
}

ChunkReader::State::Work ChunkReader::State::plan() {
  Work work;
  if (is_over()) return work;
  const std::size_t ahead = std::min(chunk_count - head, kMaxChunksAhead);
  while (chunks.size() < ahead) chunks.emplace_back();
  for (std::size_t index = head; index < head + chunks.size(); ++index) {
    Chunk& chunk = chunk_at(index);
    if (!may_parse(index, chunk)) continue;
    if (!chunk.is_begun) ++open_parsers;
    chunk.is_parsing = true;
    hold(step_bytes());
    work.parses.push_back(index);
  }
  for (std::size_t index = head; index < head + chunks.size(); ++index) {
    if (chunk_at(index).stage == Stage::kWaiting && !plan_fetch(index, work)) break;
  }
  return work;
}

// The head may always build the batch that is waited for. All else leaves room in the window for
// just that, and a later chunk is begun only if a thread may be free for it.
bool ChunkReader::State::may_parse(std::size_t index, const Chunk& chunk) const {
  if (chunk.stage != Stage::kFetched || chunk.is_parsing) return false;
  if (index == head && chunk.batches.empty()) return true;
  if (!chunk.is_begun && index != head && open_parsers >= pool.thread_count()) return false;
  return stats.held_bytes + 2 * step_bytes() <= options.window_bytes;
}

// False if this chunk, and so each later one, has to wait.
bool ChunkReader::State::plan_fetch(std::size_t index, Work& work) {
  Chunk& chunk = chunk_at(index);
  const std::size_t reserved = reservation_of(index, chunk);
  const bool is_alone = stats.held_bytes == 0;
  // A head that turned out larger than announced must be got, or nothing would ever move again.
  const bool is_overdue = index == head && chunk.known_least > 0;
  const bool fits = stats.held_bytes + reserved + step_bytes() <= options.window_bytes;
  if (fetching >= options.max_parallel_fetches || (!fits && !is_alone && !is_overdue)) return false;
  chunk.stage = Stage::kFetching;
  chunk.reserved = reserved;
  hold(reserved);
  ++fetching;
  work.fetches.push_back({index, is_alone ? kMaxChunkBytes : reserved});
  return true;
}

// What is announced and a little more for what is not counted in it; else as much as the largest
// body so far.
std::size_t ChunkReader::State::reservation_of(std::size_t index, const Chunk& chunk) const {
  constexpr std::size_t kSlack = 1024;
  std::size_t expected = static_cast<std::size_t>(source->expected_bytes(index));
  if (expected == 0) expected = largest_body != 0 ? largest_body : options.window_bytes;
  if (chunk.known_least != 0) expected = std::max(expected, 2 * chunk.known_least);
  return std::min(expected + expected / 16 + kSlack, kMaxChunkBytes);
}

void ChunkReader::State::on_fetched(std::size_t index, std::size_t max_bytes,
                                    Result<ChunkBody> body) {
  {
    std::unique_lock lock(mutex);
    if (is_over()) return;
    Chunk& chunk = chunk_at(index);
    --fetching;
    release(chunk.reserved);
    chunk.reserved = 0;
    if (body) {
      chunk.body = std::move(*body);
      chunk.reserved = chunk.body.bytes.capacity();
      hold(chunk.reserved);
      largest_body = std::max(largest_body, chunk.reserved);
      chunk.stage = Stage::kFetched;
      ++stats.chunks;
      stats.bytes_received += chunk.body.wire_bytes;
    } else if (body.error().code == ErrorCode::kCapExceeded && max_bytes < kMaxChunkBytes) {
      chunk.stage = Stage::kWaiting;
      chunk.known_least = max_bytes;
    } else {
      lock.unlock();
      fail(std::move(body).error());
      return;
    }
  }
  pump();
}

// One batch; then the chunk queues up again behind the other scans' tasks.
void ChunkReader::State::parse(std::size_t index) {
  Chunk* chunk = nullptr;
  {
    const std::lock_guard lock(mutex);
    if (is_over()) return;
    chunk = &chunk_at(index);  // stays where it is: only a chunk that is done is left behind
    if (!chunk->parser && !idle_parsers.empty()) {
      chunk->parser = std::move(idle_parsers.back());
      idle_parsers.pop_back();
    }
  }
  Result<std::optional<Batch>> batch = parse_step(*chunk);
  if (!batch) return fail(std::move(batch).error());
  std::string spent;  // freed without the lock
  {
    const std::lock_guard lock(mutex);
    release(step_bytes());
    chunk->is_parsing = false;
    if (*batch) {
      hold((*batch)->bytes.capacity());
      chunk->batches.push_back(std::move(**batch));
    }
    if (chunk->parser->is_at_end()) {
      chunk->stage = Stage::kDone;
      release(chunk->reserved);
      spent.swap(chunk->body.bytes);
      idle_parsers.push_back(std::move(chunk->parser));
      --open_parsers;
    }
  }
  changed.notify_all();
  pump();
}

Result<std::optional<Batch>> ChunkReader::State::parse_step(Chunk& chunk) try {
  if (!chunk.parser) chunk.parser = std::make_unique<JsonRows>(options.format);
  if (!chunk.is_begun) {
    const ChunkBody& body = chunk.body;
    Status opened =
        chunk.parser->open(std::string_view(body.bytes).substr(body.rows_begin, body.rows_size));
    if (!opened) return std::move(opened).error();
    chunk.is_begun = true;
  }
  Result<std::optional<Batch>> batch = chunk.parser->next();
  const std::uint64_t rows = chunk.parser->rows_read();
  if (batch && chunk.parser->is_at_end() && chunk.body.row_count.value_or(rows) != rows) {
    return broken_order("A chunk has " + std::to_string(rows) + " rows, " +
                        std::to_string(*chunk.body.row_count) + " were announced.");
  }
  return batch;
} catch (const std::bad_alloc&) {
  return Error{ErrorCode::kOutOfMemory, "out of memory while reading a remote result", "", ""};
}

void ChunkReader::State::fail(Error error) {
  {
    const std::lock_guard lock(mutex);
    if (is_over()) return;
    failure = std::move(error);
  }
  changed.notify_all();
  stop.request_stop();
}

void ChunkReader::State::stop_all() noexcept {
  {
    const std::lock_guard lock(mutex);
    is_stopped = true;
  }
  changed.notify_all();
  stop.request_stop();
}

}  // namespace lakehouse::warehouse
