// SPDX-License-Identifier: PostgreSQL
// FileAccess: whether a URL that was signed once is still good, and where its table lies. The
// database is asked again after half a second, so that what is revoked ends within one.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "worker/sharing/signed_urls.hpp"
#include "worker/sharing/store.hpp"

namespace lakehouse::worker::sharing {

class FileAccess {
 public:
  static constexpr std::chrono::milliseconds kFresh{500};

  explicit FileAccess(Store& store) : store_(store) {}

  // Nothing: it is not. From any thread.
  Result<std::optional<Store::FilePlace>> find(const SignedUrls::Claim& claim,
                                               const std::string& address, const Context& context);

 private:
  using Key = std::tuple<std::int64_t, std::string, std::string, std::string>;
  using Clock = std::chrono::steady_clock;
  struct Known {
    Clock::time_point asked_at;  // before the database answered
    std::optional<Store::FilePlace> place;
  };
  std::optional<Known> recall(const Key& key);

  Store& store_;
  std::mutex mutex_;
  std::map<Key, Known> known_;
};

}  // namespace lakehouse::worker::sharing
