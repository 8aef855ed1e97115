// SPDX-License-Identifier: PostgreSQL
// Runs a noexcept callable when the scope is left, unless released.
#pragma once

#include <utility>

namespace lakehouse {

template <typename Action>
class [[nodiscard]] ScopeExit {
 public:
  explicit ScopeExit(Action action) : action_(std::move(action)) {}
  ~ScopeExit() {
    if (is_armed_) action_();
  }
  ScopeExit(const ScopeExit&) = delete;
  ScopeExit& operator=(const ScopeExit&) = delete;
  void release() noexcept { is_armed_ = false; }

 private:
  Action action_;
  bool is_armed_ = true;
};

}  // namespace lakehouse
