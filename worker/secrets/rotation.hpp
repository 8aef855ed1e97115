// SPDX-License-Identifier: PostgreSQL
// Rotation: the thread that notices new master keys and has stored secrets encrypted with them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "worker/secrets/live_vault.hpp"
#include "worker/secrets/master_keys.hpp"
#include "worker/secrets/resealer.hpp"

namespace lakehouse::worker::secrets {

class Rotation {
 public:
  using Clock = std::chrono::steady_clock;

  // References outlive it.
  Rotation(LiveVault& vault, MasterKeys& keys, Resealer& resealer, log::Log& log);

  // The source of the keys is read again at once, a command's too.
  void reload();

 private:
  void run(const std::stop_token& stop);
  bool wait(const std::stop_token& stop);
  void reseal(const std::stop_token& stop);
  void report(const Resealer::Outcome& outcome);
  void report_failure(const Error& error);

  LiveVault& vault_;
  MasterKeys& keys_;
  Resealer& resealer_;
  log::Log& log_;
  std::mutex mutex_;
  std::condition_variable_any wanted_;
  bool is_reload_wanted_ = false;
  // Of the thread alone.
  std::uint64_t done_generation_ = 0;
  std::uint64_t unreadable_ = 0;
  bool has_failed_ = false;
  Clock::time_point due_{};
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace lakehouse::worker::secrets
