// SPDX-License-Identifier: PostgreSQL
// Running: the requests of legacy sessions that are under way in this worker, so that a later
// message of the same session can cancel one, or answer what one has asked its client.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "core/base/context.hpp"
#include "worker/json/value.hpp"

namespace lakehouse::worker::mcp {

class Running {
 public:
  // One request under way; off the list when it dies.
  class Entry {
   public:
    // `outer` ends it too.
    Entry(Running& running, std::string session, std::string id, std::int64_t token_id,
          std::stop_token outer);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    std::stop_token stop() const { return stop_.get_token(); }
    // Waits for the client's response to a request of ours. Nothing if the call must end.
    std::optional<json::Value> await(const std::string& request_id, const Context& context);
    // Before the request goes out.
    void expect(const std::string& request_id);

   private:
    friend class Running;
    Running& running_;
    const std::string session_, id_;
    const std::int64_t token_id_;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> link_;             // the outer stop ends this one too
    std::map<std::string, std::optional<json::Value>> answers_;  // by request id
  };

  // False if no such request is under way here.
  bool cancel(const std::string& session, const std::string& id);
  bool deliver(const std::string& session, const std::string& request_id, json::Value response);
  // All of a session: it was ended.
  void end(const std::string& session);
  void end_tokens(const std::set<std::int64_t>& tokens);
  // The worker stops: so does everything that runs, and what begins from now on.
  void end_all();
  std::set<std::string> sessions() const;
  std::set<std::int64_t> tokens() const;

 private:
  template <typename Predicate>
  bool stop_where(Predicate predicate);

  mutable std::mutex mutex_;
  bool has_ended_ = false;
  std::condition_variable_any changed_;
  std::multimap<std::string, Entry*> entries_;  // by session
};

}  // namespace lakehouse::worker::mcp
