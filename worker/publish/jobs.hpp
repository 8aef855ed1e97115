// SPDX-License-Identifier: PostgreSQL
// Jobs: takes requests to publish from lakehouse.publish_jobs and does them, a few side by side,
// each of another tenant. Several workers may: the lock on a tenant's row says who publishes it,
// and dies with him.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "worker/db/connection.hpp"
#include "worker/gateway/services.hpp"
#include "worker/log/log.hpp"
#include "worker/metrics/counters.hpp"
#include "worker/publish/outcome.hpp"
#include "worker/publish/publication.hpp"

namespace lakehouse::worker::publish {

class Jobs final : public gateway::Publisher {
 public:
  // `most`: publishes at a time. `surroundings` and `counters` outlive it.
  Jobs(Surroundings surroundings, std::size_t most, metrics::Counters& counters);
  ~Jobs() override { stop(); }

  // At once, when this worker and the tenant are free; the request is gone if the caller goes.
  Result<wire::PublishReport> publish_now(const wire::PublishNow& request,
                                          const Context& context) override;

  // No job is begun any more, and those under way are stopped.
  void stop() { ending_.request_stop(); }

 private:
  class Turn;

  void run();
  Status listen();
  Result<bool> do_next(std::vector<std::int64_t>& held, const Context& context);
  Result<Outcome> publish(db::Connection& control, const Job& job, const Context& context);
  Result<Outcome> attempt(db::Connection& control, const Job& job, const Context& context);
  Status end(db::Connection& control, const Job& job, const Result<Outcome>& outcome);
  void report(const Job& job, const Result<Outcome>& outcome, const Context& context);
  void report_trouble(const Error& error);
  bool is_swept(const std::string& tenant_id);
  void note_swept(const std::string& tenant_id, bool is_swept);

  const Surroundings parts_;
  const std::size_t most_;
  metrics::Counters& counters_;
  std::stop_source ending_;
  std::mutex mutex_;
  std::condition_variable_any freed_;
  std::multiset<std::string> busy_;  // turns that are taken, by their name
  std::set<std::string> swept_;      // tenants that have no dangling files
  std::atomic<bool> has_failed_ = false;
  std::vector<std::jthread> threads_;  // last: they use everything above
};

}  // namespace lakehouse::worker::publish
