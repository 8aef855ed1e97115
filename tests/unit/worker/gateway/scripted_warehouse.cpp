// SPDX-License-Identifier: PostgreSQL
// Plays the script.
#include "worker/gateway/scripted_warehouse.hpp"

#include <new>

namespace lakehouse::worker::test {
namespace {

Error block_until_ended(Script& script, const Context& context) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  ++script.blocked;
  const auto longest = Deadline::Clock::now() + std::chrono::seconds(60);
  never.wait_until(lock, context.stop, std::min(context.deadline.at(), longest),
                   [] { return false; });
  if (context.stop.stop_requested()) return cancelled_error();
  return {ErrorCode::kTimeout, "remote timeout", "", ""};
}

// The script's say in `phase`.
Status play(Script& script, Phase phase, const Context& context) {
  if (script.throws_bad_alloc_in == phase) throw std::bad_alloc();
  if (script.fails_in == phase) return script.failure;
  if (script.blocks_in == phase) return block_until_ended(script, context);
  if (context.stop.stop_requested()) return cancelled_error();
  return kDone;
}

class ScriptedStatement final : public warehouse::Statement {
 public:
  explicit ScriptedStatement(Script& script) : script_(script) { ++script_.open; }
  ~ScriptedStatement() override { close({}); }

  Status wait(const Context& context) override { return play(script_, Phase::kWait, context); }

  Result<std::optional<warehouse::Batch>> next_batch(const Context& context) override {
    if (Status played = play(script_, Phase::kBatch, context); !played) return played.error();
    if (index_ == script_.batches) return std::optional<warehouse::Batch>();
    ++script_.taken_batches;
    return std::optional<warehouse::Batch>({batch_bytes(script_, index_++), 10});
  }

  void cancel() noexcept override { ++script_.cancelled; }

  void close(const Context&) noexcept override {
    if (std::exchange(is_closed_, true)) return;
    ++script_.closed;
    --script_.open;
  }

  warehouse::QueryStats stats() const override {
    return {"query-1", std::chrono::microseconds(1234), index_ * 10ULL, index_ * 100ULL, index_};
  }

 private:
  Script& script_;
  std::uint32_t index_ = 0;
  bool is_closed_ = false;
};

class ScriptedWarehouse final : public warehouse::Warehouse {
 public:
  explicit ScriptedWarehouse(Script& script) : script_(script) {}

  Result<std::unique_ptr<warehouse::Statement>> submit(warehouse::Query query,
                                                       const Context& context) override {
    if (Status played = play(script_, Phase::kSubmit, context); !played) return played.error();
    const std::scoped_lock lock(script_.mutex);
    script_.queries.push_back(std::move(query));
    ++script_.submitted;
    std::unique_ptr<warehouse::Statement> statement = std::make_unique<ScriptedStatement>(script_);
    return statement;
  }

  Result<std::vector<std::string>> list_tables(const warehouse::TableSelection&,
                                               const Context&) override {
    return std::vector<std::string>{"orders"};
  }

  Result<std::vector<warehouse::TableDescription>> describe_tables(
      const warehouse::TableSelection& selection, const Context& context) override {
    if (Status played = play(script_, Phase::kWait, context); !played) return played.error();
    const std::scoped_lock lock(script_.mutex);
    script_.selection = selection;
    return std::vector<warehouse::TableDescription>{
        {"orders", "all orders", {{"id", "bigint", false, "the key"}}}};
  }

  std::vector<warehouse::TestStep> test(const Context&) override {
    return {{"connect", true, std::chrono::microseconds(5), "fine"},
            {"authenticate", false, std::chrono::microseconds(7), "token refused"}};
  }

 private:
  Script& script_;
};

}  // namespace

void PrintTo(Phase phase, std::ostream* out) {
  constexpr const char* kNames[] = {"none", "submit", "wait", "batch"};
  *out << kNames[static_cast<int>(phase)];
}

std::string batch_bytes(const Script& script, std::uint32_t index) {
  std::string bytes = "batch " + std::to_string(index) + " ";
  bytes.resize(std::max(bytes.size(), script.batch_bytes), 'x');
  return bytes;
}

std::shared_ptr<warehouse::Warehouse> make_scripted_warehouse(Script& script) {
  return std::make_shared<ScriptedWarehouse>(script);
}

}  // namespace lakehouse::worker::test
