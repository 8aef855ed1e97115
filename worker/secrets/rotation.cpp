// SPDX-License-Identifier: PostgreSQL
// Looks at the keys each second, and through the table after a change and each minute.
#include "worker/secrets/rotation.hpp"

namespace lakehouse::worker::secrets {
namespace {

constexpr std::chrono::milliseconds kLook{1'000};
// For rows that came by themselves: a restored dump, a worker that had an older key.
constexpr std::chrono::milliseconds kLookThroughTable = std::chrono::minutes(1);

}  // namespace

Rotation::Rotation(LiveVault& vault, MasterKeys& keys, Resealer& resealer, log::Log& log)
    : vault_(vault), keys_(keys), resealer_(resealer), log_(log) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Rotation::reload() {
  {
    const std::scoped_lock lock(mutex_);
    is_reload_wanted_ = true;
  }
  wanted_.notify_one();
}

void Rotation::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      const std::uint64_t generation = vault_.generation();
      if (generation != done_generation_ || Clock::now() >= due_) reseal(stop);
    } catch (const std::exception& exception) {
      log_.write(LogLevel::kError, "unexpected exception", {},
                 {{"error", std::string_view(exception.what())}});
    }
    if (wait(stop)) {
      static_cast<void>(vault_.reload());
    } else {
      vault_.refresh();
    }
  }
}

// True if a reload is wanted.
bool Rotation::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  wanted_.wait_for(lock, stop, kLook, [this] { return is_reload_wanted_; });
  return std::exchange(is_reload_wanted_, false);
}

void Rotation::reseal(const std::stop_token& stop) {
  const std::uint64_t generation = vault_.generation();
  const Context context{Deadline::in(kLookThroughTable), stop, {}};
  if (Status noted = keys_.note_keys(context); !noted) return report_failure(noted.error());
  const auto outcome = resealer_.run(context);
  if (!outcome) return report_failure(outcome.error());
  has_failed_ = false;
  report(*outcome);
  due_ = Clock::now() + kLookThroughTable;
  // What someone else had locked is tried again at the next look.
  if (outcome->left <= outcome->unreadable) done_generation_ = generation;
}

void Rotation::report(const Resealer::Outcome& outcome) {
  if (outcome.resealed > 0) {
    log_.write(LogLevel::kInfo, "secrets encrypted again", {},
               {{"key_id", std::uint64_t{vault_.writing_key_id()}},
                {"secrets", outcome.resealed},
                {"left", outcome.left}});
  }
  if (outcome.unreadable != unreadable_ && outcome.unreadable > 0) {
    log_.write(LogLevel::kWarning, "secrets that no master key opens here", {},
               {{"secrets", outcome.unreadable}});
  }
  unreadable_ = outcome.unreadable;
}

// Tried again at the next look; said once.
void Rotation::report_failure(const Error& error) {
  done_generation_ = 0;
  if (error.code == ErrorCode::kCancelled || has_failed_) return;
  has_failed_ = true;
  log_.failure("secrets could not be encrypted again; trying on", error);
}

}  // namespace lakehouse::worker::secrets
