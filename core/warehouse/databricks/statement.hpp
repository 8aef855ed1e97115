// SPDX-License-Identifier: PostgreSQL
// One statement of a Databricks warehouse: polled until its result is there, then read, cancelled
// at any moment.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>

#include "core/warehouse/chunk_reader.hpp"
#include "core/warehouse/databricks/launch.hpp"

namespace lakehouse::warehouse::databricks {

class DatabricksStatement final : public Statement {
 public:
  DatabricksStatement(std::shared_ptr<Workspace> workspace, Query query, Launched launched,
                      std::chrono::steady_clock::time_point submitted_at, std::string request_id);
  ~DatabricksStatement() override;

  Status wait(const Context& context) override;
  Result<std::optional<Batch>> next_batch(const Context& context) override;
  void cancel() noexcept override;
  void close(const Context& context) noexcept override;
  QueryStats stats() const override;

 private:
  Status poll(const Context& context);
  Status rest(std::chrono::milliseconds span, const Context& context);
  Status finish(const Context& context, bool& is_rerun);
  Status relaunch(Disposition disposition, const Context& context);
  Status start_reading();
  Status check_manifest() const;
  Context own_context(const Context& context) const;
  bool begin_end(Ending& ending, std::string& id);

  const std::shared_ptr<Workspace> workspace_;
  const Query query_;
  const std::chrono::steady_clock::time_point submitted_at_;
  const std::string request_id_;
  Launched launched_;  // the latest answer; only wait() touches it
  bool may_relaunch_ = true;
  std::stop_source stop_;  // this statement is cancelled

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string id_;
  bool is_terminal_ = false;  // the service runs nothing for it any more
  bool is_cancel_sent_ = false;
  bool is_closed_ = false;
  std::chrono::microseconds remote_time_{0};
  std::shared_ptr<ChunkReader> reader_;
};

}  // namespace lakehouse::warehouse::databricks
