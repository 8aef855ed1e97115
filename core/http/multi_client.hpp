// SPDX-License-Identifier: PostgreSQL
// The client itself: a thread that turns one curl multi handle, a table of calls under way and one
// timer per call. Everything but the mailbox and the counters belongs to that thread.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

#include "core/http/backoff.hpp"
#include "core/http/call.hpp"
#include "core/http/client.hpp"
#include "core/http/mailbox.hpp"
#include "core/http/trust_store.hpp"
#include "core/http/url_policy.hpp"

namespace lakehouse::http {

class MultiClient final : public Client {
 public:
  // Throws std::bad_alloc or std::system_error.
  MultiClient(ClientOptions options, UrlPolicy policy, TrustStore trust_store);
  ~MultiClient() override;
  MultiClient(const MultiClient&) = delete;
  MultiClient& operator=(const MultiClient&) = delete;

  void start(Request request, Context context, Callback done) override;
  ClientStats stats() const override;

 private:
  struct FreeMulti {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
  };
  struct FreeShare {
    void operator()(CURLSH* share) const noexcept { curl_share_cleanup(share); }
  };

  void run() noexcept;
  bool read_mailbox();
  void adopt(std::unique_ptr<Call> call);
  void begin_attempt(Call& call);
  void begin_transfer(Call& call);
  void begin_waiting();
  void reap();
  void end_attempt(Call& call, CURLcode code);
  void conclude(Call& call, Outcome outcome);
  Result<std::optional<Url>> redirect_target(Call& call, const Response& response);
  bool try_repeat(Call& call, const Outcome& outcome);
  void fire_timers();
  void fire(Call& call);
  void set_timer(Call& call, Deadline::Clock::time_point at);
  void watch(Call& call);
  void drop_transfer(Call& call);
  void finish(Call& call, Result<Response> result);
  void finish_all(const Error& error);
  Call* find(CallId id);
  int poll_ms() const;

  const ClientOptions options_;
  const UrlPolicy policy_;
  const TrustStore trust_store_;
  std::unique_ptr<CURLSH, FreeShare> share_;
  std::unique_ptr<CURLM, FreeMulti> multi_;
  TransferSettings settings_;
  Backoff backoff_;
  std::unordered_map<CallId, std::unique_ptr<Call>> calls_;
  Timers timers_;
  std::map<std::string, Lane> lanes_;  // by origin

  Mailbox mailbox_;
  std::atomic<CallId> next_id_{1};
  std::atomic<std::uint64_t> requests_{0}, retries_{0}, connections_opened_{0}, bytes_received_{0};
  std::thread thread_;  // last: it uses all the others
};

}  // namespace lakehouse::http
