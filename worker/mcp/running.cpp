// SPDX-License-Identifier: PostgreSQL
// Entries by session; whoever ends one does so without holding the lock.
#include "worker/mcp/running.hpp"

#include <vector>

namespace lakehouse::worker::mcp {

Running::Entry::Entry(Running& running, std::string session, std::string id, std::int64_t token_id,
                      std::stop_token outer)
    : running_(running),
      session_(std::move(session)),
      id_(std::move(id)),
      token_id_(token_id),
      link_(std::move(outer), [this] { stop_.request_stop(); }) {
  const std::scoped_lock lock(running_.mutex_);
  if (running_.has_ended_) stop_.request_stop();
  running_.entries_.emplace(session_, this);
}

Running::Entry::~Entry() {
  const std::scoped_lock lock(running_.mutex_);
  const auto [first, last] = running_.entries_.equal_range(session_);
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second != this) continue;
    running_.entries_.erase(entry);
    return;
  }
}

void Running::Entry::expect(const std::string& request_id) {
  const std::scoped_lock lock(running_.mutex_);
  answers_.emplace(request_id, std::nullopt);
}

std::optional<json::Value> Running::Entry::await(const std::string& request_id,
                                                 const Context& context) {
  std::unique_lock lock(running_.mutex_);
  running_.changed_.wait_until(lock, stop_.get_token(), context.deadline.at(),
                               [&] { return answers_[request_id].has_value(); });
  auto answered = answers_.extract(request_id);  // another response would come too late
  return std::move(answered.mapped());
}

template <typename Predicate>
bool Running::stop_where(Predicate predicate) {
  std::vector<std::stop_source> found;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [session, entry] : entries_) {
      if (predicate(*entry)) found.push_back(entry->stop_);
    }
  }
  for (std::stop_source& stop : found) stop.request_stop();  // callbacks run here: without the lock
  return !found.empty();
}

bool Running::cancel(const std::string& session, const std::string& id) {
  return stop_where(
      [&](const Entry& entry) { return entry.session_ == session && entry.id_ == id; });
}

bool Running::deliver(const std::string& session, const std::string& request_id,
                      json::Value response) {
  const std::scoped_lock lock(mutex_);
  const auto [first, last] = entries_.equal_range(session);
  for (auto entry = first; entry != last; ++entry) {
    const auto expected = entry->second->answers_.find(request_id);
    if (expected == entry->second->answers_.end() || expected->second) continue;
    expected->second = std::move(response);
    changed_.notify_all();
    return true;
  }
  return false;
}

void Running::end(const std::string& session) {
  stop_where([&](const Entry& entry) { return entry.session_ == session; });
}

void Running::end_tokens(const std::set<std::int64_t>& tokens) {
  stop_where([&](const Entry& entry) { return tokens.contains(entry.token_id_); });
}

void Running::end_all() {
  {
    const std::scoped_lock lock(mutex_);
    has_ended_ = true;
  }
  stop_where([](const Entry&) { return true; });
}

std::set<std::string> Running::sessions() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> sessions;
  for (const auto& [session, entry] : entries_) {
    if (!session.empty()) sessions.insert(session);
  }
  return sessions;
}

std::set<std::int64_t> Running::tokens() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::int64_t> tokens;
  for (const auto& [session, entry] : entries_) tokens.insert(entry->token_id_);
  return tokens;
}

}  // namespace lakehouse::worker::mcp
