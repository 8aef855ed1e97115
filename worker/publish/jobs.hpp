// SPDX-License-Identifier: PostgreSQL
// Jobs: takes requests to publish from lakehouse.publish_jobs and does them, one at a time. Several
// workers may: the lock on a tenant's row says who publishes it, and dies with him.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/log/log.hpp"
#include "worker/metrics/counters.hpp"
#include "worker/publish/outcome.hpp"
#include "worker/publish/publication.hpp"

namespace lakehouse::worker::publish {

class Jobs final : public gateway::Publisher {
 public:
  // `surroundings` and `counters` outlive it.
  Jobs(Surroundings surroundings, metrics::Counters& counters);

  // At once, when this worker and the tenant are free; the request is gone if the caller goes.
  Result<wire::PublishReport> publish_now(const wire::PublishNow& request,
                                          const Context& context) override;

  // No job is begun any more, and the one under way is stopped.
  void stop() { thread_.request_stop(); }

 private:
  class Turn;

  void run(const std::stop_token& stop);
  Status listen(const std::stop_token& stop);
  Status empty_abandoned_folders(db::Connection& connection, const std::stop_token& stop);
  Result<bool> do_next(std::vector<std::int64_t>& held, const Context& context);
  Result<Outcome> publish(db::Connection& control, const Job& job, const Context& context);
  Result<Outcome> attempt(db::Connection& control, const Job& job, const Context& context);
  Status end(db::Connection& control, const Job& job, const Result<Outcome>& outcome);
  void report(const Job& job, const Result<Outcome>& outcome, const Context& context);
  void report_trouble(const Error& error);

  const Surroundings parts_;
  metrics::Counters& counters_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  bool is_busy_ = false;
  std::set<std::string> swept_;  // tenants that have no dangling files; of whoever has the turn
  bool has_failed_ = false;
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::publish
