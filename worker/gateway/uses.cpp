// SPDX-License-Identifier: PostgreSQL
// A table behind a lock. Ends are called under it, so that none is called after its Use has gone.
#include "worker/gateway/uses.hpp"

namespace lakehouse::worker::gateway {

Uses::Use Uses::enter(std::string_view connection_id, End end) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t number = ++count_;
  entries_.emplace(number, Entry{connection_key(connection_id), std::move(end)});
  return {*this, number};
}

std::size_t Uses::end(std::string_view connection_id, const Error& reason) {
  const std::string key = connection_key(connection_id);
  std::size_t ended = 0;
  const std::scoped_lock lock(mutex_);
  for (auto& [number, entry] : entries_) {
    if (entry.connection != key) continue;
    entry.end(reason);
    ++ended;
  }
  return ended;
}

std::set<std::string> Uses::connections() const {
  std::set<std::string> keys;
  const std::scoped_lock lock(mutex_);
  for (const auto& [number, entry] : entries_) keys.insert(entry.connection);
  return keys;
}

void Uses::leave(std::uint64_t number) noexcept {
  const std::scoped_lock lock(mutex_);
  entries_.erase(number);
}

std::string connection_key(std::string_view connection_id) {
  std::string key;
  for (const char c : connection_id) {
    if (c == '-' || c == '{' || c == '}') continue;
    key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return key;
}

}  // namespace lakehouse::worker::gateway
