// SPDX-License-Identifier: PostgreSQL
// ToolLists: results of tools/list as they are sent, by all that they depend on. They are used only
// while the bus hears what changes in the catalog; what a caller may see is decided before, anew
// for each request.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace lakehouse::worker::mcp {

class ToolLists {
 public:
  using Clock = std::chrono::steady_clock;
  using Text = std::shared_ptr<const std::string>;
  struct Bounds {
    // A page is at most kPageBytes long, so these hold 32 MiB at worst.
    std::size_t most = 256;
    // As long as a client may keep its list (ttlMs): for what changes and notifies nobody, such as
    // rows that come by replication.
    Clock::duration longest = std::chrono::seconds(30);
  };

  ToolLists() : ToolLists(Bounds{}) {}
  explicit ToolLists(Bounds bounds) : bounds_(bounds) {}

  // Null: not kept, or nobody listens just now.
  Text find(const std::string& key);
  // Which state of the catalog the database is in, as far as is known; grows with each change.
  std::uint64_t state() const;
  // `state` is from before the database was asked: what it said of an earlier one isn't kept.
  void keep(const std::string& key, std::uint64_t state, Text text);

  // For the bus. Everything that was notified is known, and will be until then.
  void trust_until(Clock::time_point until);
  // The catalog has changed.
  void forget();
  // Nobody listens any more, and what is kept may be wrong.
  void distrust();

 private:
  struct Kept {
    std::string key;
    Text text;
    Clock::time_point since;
  };
  void clear();

  const Bounds bounds_;
  mutable std::mutex mutex_;
  Clock::time_point trusted_until_ = Clock::time_point::min();
  std::uint64_t state_ = 0;
  std::list<Kept> kept_;  // the last used first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_key_;
};

}  // namespace lakehouse::worker::mcp
