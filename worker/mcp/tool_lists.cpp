// SPDX-License-Identifier: PostgreSQL
// What is kept, and when it goes.
#include "worker/mcp/tool_lists.hpp"

namespace lakehouse::worker::mcp {

ToolLists::Text ToolLists::find(const std::string& key) {
  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  if (now >= trusted_until_) return nullptr;
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const auto kept = found->second;
  if (now - kept->since >= bounds_.longest) {
    by_key_.erase(found);
    kept_.erase(kept);
    return nullptr;
  }
  kept_.splice(kept_.begin(), kept_, kept);
  return kept->text;
}

std::uint64_t ToolLists::state() const {
  const std::scoped_lock lock(mutex_);
  return state_;
}

void ToolLists::keep(const std::string& key, std::uint64_t state, Text text) {
  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  if (state != state_ || now >= trusted_until_) return;
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    kept_.erase(found->second);
    by_key_.erase(found);
  }
  if (kept_.size() >= bounds_.most) {
    by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
  kept_.push_front({key, std::move(text), now});
  by_key_.emplace(key, kept_.begin());
}

void ToolLists::trust_until(Clock::time_point until) {
  const std::scoped_lock lock(mutex_);
  // What was asked before anybody listened may be older than what nobody heard.
  if (trusted_until_ == Clock::time_point::min()) clear();
  trusted_until_ = until;
}

void ToolLists::forget() {
  const std::scoped_lock lock(mutex_);
  clear();
}

void ToolLists::distrust() {
  const std::scoped_lock lock(mutex_);
  clear();
  trusted_until_ = Clock::time_point::min();
}

void ToolLists::clear() {
  ++state_;
  by_key_.clear();
  kept_.clear();
}

}  // namespace lakehouse::worker::mcp
