// SPDX-License-Identifier: PostgreSQL
// Uses: which requests use which warehouse connection now, so that they can be ended when it is
// revoked.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.hpp"

namespace lakehouse::worker::gateway {

class Uses {
 public:
  using End = std::function<void(const Error& reason)>;  // must not wait for its request

  // As long as it lives, the request can be ended through the table.
  class [[nodiscard]] Use {
   public:
    Use(Uses& uses, std::uint64_t number) : uses_(&uses), number_(number) {}
    Use(Use&& other) noexcept
        : uses_(std::exchange(other.uses_, nullptr)), number_(other.number_) {}
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (uses_ != nullptr) uses_->leave(number_);
    }

   private:
    Uses* uses_;
    std::uint64_t number_;
  };

  Use enter(std::string_view connection_id, End end);

  // Ends every request that uses the connection now; how many.
  std::size_t end(std::string_view connection_id, const Error& reason);

  // Of all requests under way; see connection_key().
  std::set<std::string> connections() const;

 private:
  friend class Use;
  struct Entry {
    std::string connection;
    End end;
  };
  void leave(std::uint64_t number) noexcept;

  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::map<std::uint64_t, Entry> entries_;
};

// One form for all the ways PostgreSQL lets a uuid be written: its 32 digits in lower case.
// Anything that is no uuid gives less or more than 32 characters.
std::string connection_key(std::string_view connection_id);

}  // namespace lakehouse::worker::gateway
