// SPDX-License-Identifier: PostgreSQL
// Waits for a condition that another thread brings about: polls it until it holds or the deadline
// passes.
#pragma once

#include <chrono>
#include <thread>

namespace lakehouse::worker::test {

template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds longest = std::chrono::seconds(10)) {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace lakehouse::worker::test
