// SPDX-License-Identifier: PostgreSQL
// A ChunkSource whose chunks are strings, and whose answers come when the test says so, on a thread
// of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/http/client.hpp"
#include "core/warehouse/chunk_source.hpp"

namespace lakehouse::warehouse {

class ScriptedSource final : public ChunkSource {
 public:
  struct Chunk {
    std::string rows;
    std::uint64_t announced_bytes = 0;
    std::optional<std::uint64_t> row_count;
    std::optional<std::uint64_t> row_offset;
    std::optional<Error> error;
  };
  struct Call {
    std::size_t index;
    std::size_t max_bytes;
    Context context;
    Callback done;
  };

  explicit ScriptedSource(std::vector<Chunk> chunks) : chunks_(std::move(chunks)) {}

  std::size_t chunk_count() const override { return chunks_.size(); }
  std::uint64_t expected_bytes(std::size_t index) const override {
    return chunks_[index].announced_bytes;
  }

  void fetch(std::size_t index, std::size_t max_bytes, Context context, Callback done) override {
    Call call{index, max_bytes, std::move(context), std::move(done)};
    {
      const std::lock_guard lock(mutex_);
      ++fetches_[index];
      if (!answers_at_once_) {
        calls_.push_back(std::move(call));
        changed_.notify_all();
        return;
      }
    }
    answer(std::move(call));
  }

  void answer_at_once() { answers_at_once_ = true; }

  // The calls under way, once there are at least `count`.
  std::vector<Call> take_calls(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return calls_.size() >= count; });
    std::vector<Call> taken(std::make_move_iterator(calls_.begin()),
                            std::make_move_iterator(calls_.end()));
    calls_.clear();
    return taken;
  }

  void answer(Call call) {
    const Chunk& chunk = chunks_[call.index];
    if (call.context.stop.stop_requested()) return call.done(cancelled_error());
    if (chunk.error) return call.done(*chunk.error);
    if (chunk.rows.size() > call.max_bytes) {
      return call.done(Error{ErrorCode::kCapExceeded, "body is too large", "", ""});
    }
    ChunkBody body;
    body.bytes.reserve(chunk.rows.size() + http::kBodyPadding);
    body.bytes = chunk.rows;
    body.rows_size = chunk.rows.size();
    body.wire_bytes = chunk.rows.size();
    body.row_count = chunk.row_count;
    body.row_offset = chunk.row_offset;
    call.done(std::move(body));
  }

  int fetches_of(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return fetches_[index];
  }

 private:
  const std::vector<Chunk> chunks_;
  bool answers_at_once_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> calls_;
  std::map<std::size_t, int> fetches_;
};

}  // namespace lakehouse::warehouse
