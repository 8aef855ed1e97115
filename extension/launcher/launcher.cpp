// SPDX-License-Identifier: PostgreSQL
// The launcher's loop: wait for the extension, start the worker, restart it with back-off, stop it
// with the server.
#include "extension/launcher/launcher.hpp"

#include <sys/wait.h>

#include <algorithm>

#include "extension/border/border.hpp"
#include "extension/launcher/config.hpp"
#include "extension/launcher/process.hpp"
#include "extension/settings.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::launcher {
namespace {

constexpr long kExtensionPoll_ms =
    500;                            // CREATE EXTENSION to a serving worker: well under a second
constexpr long kWatch_ms = 10'000;  // SIGCHLD wakes us; this is only a net below it
constexpr long kFirstBackoff_ms = 100;
constexpr long kMaxBackoff_ms = 10'000;
constexpr long kHealthyLife_ms = 10'000;  // a worker that lived so long starts the back-off anew
constexpr long kStopPatience_ms = 5'000;  // the worker cancels remote statements meanwhile
constexpr int kRestartSeconds = 5;

// Process-wide by nature: there is one launcher, and a signal handler has to reach its latch.
Process worker;

void wake_on_child([[maybe_unused]] SIGNAL_ARGS) {
  const int saved = errno;
  SetLatch(MyLatch);
  errno = saved;
}

// True if the configuration was read again.
bool pause_for(long span_ms) {
  WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, span_ms, PG_WAIT_EXTENSION);
  ResetLatch(MyLatch);
  CHECK_FOR_INTERRUPTS();
  if (!ConfigReloadPending) return false;
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  return true;
}

long elapsed_ms(TimestampTz since) {
  return TimestampDifferenceMilliseconds(since, GetCurrentTimestamp());
}

bool is_extension_there() {
  StartTransactionCommand();
  PushActiveSnapshot(GetTransactionSnapshot());
  const bool is_there = OidIsValid(get_extension_oid("lakehouse", true));
  PopActiveSnapshot();
  CommitTransactionCommand();
  return is_there;
}

bool start_worker() {
  EncodedConfig config = make_config(settings::database);
  int error = 0;
  const bool is_started =
      start_process(worker, settings::worker_path, config.bytes, config.size, error);
  explicit_bzero(config.bytes, config.size);
  pfree(config.bytes);
  if (!is_started) {
    errno = error;
    ereport(LOG, (errmsg("could not start lakehouse-worker: %m")));
  } else {
    ereport(LOG,
            (errmsg("started lakehouse-worker with process id %d", static_cast<int>(worker.pid))));
  }
  return is_started;
}

void log_end(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
    ereport(LOG, (errmsg("could not execute lakehouse-worker \"%s\"", settings::worker_path),
                  errhint("Set lakehouse.worker_path to the installed program.")));
  } else if (WIFEXITED(status)) {
    ereport(LOG, (errmsg("lakehouse-worker exited with code %d", WEXITSTATUS(status))));
  } else {
    ereport(LOG, (errmsg("lakehouse-worker was ended by signal %d", WTERMSIG(status))));
  }
}

// Bounded: a worker that does not go is killed, so that the server's shutdown never hangs on it.
void stop_worker() {
  if (worker.pid == 0) return;
  request_stop(worker);
  int status = 0;
  const TimestampTz asked_at = GetCurrentTimestamp();
  while (!has_ended(worker, status)) {
    if (elapsed_ms(asked_at) > kStopPatience_ms) kill_now(worker);
    pg_usleep(10'000L);
  }
}

void stop_worker_at_exit(int, Datum) { stop_worker(); }

// Runs until the worker has ended, for whatever reason.
void watch_worker() {
  const unsigned fingerprint = settings_fingerprint();
  int status = 0;
  while (!has_ended(worker, status)) {
    const bool has_reloaded = pause_for(kWatch_ms);
    if (!settings::worker_autostart || settings_fingerprint() != fingerprint) {
      ereport(LOG, (errmsg("restarting lakehouse-worker: its settings have changed")));
      stop_worker();
      return;
    }
    if (has_reloaded) request_reload(worker);
  }
  log_end(status);
}

void run() {
  long backoff_ms = kFirstBackoff_ms;
  for (;;) {
    if (!settings::worker_autostart || !is_extension_there()) {
      pause_for(kExtensionPoll_ms);
      continue;
    }
    const TimestampTz started_at = GetCurrentTimestamp();
    if (start_worker()) watch_worker();
    if (elapsed_ms(started_at) > kHealthyLife_ms) backoff_ms = kFirstBackoff_ms;
    pause_for(backoff_ms);
    backoff_ms = std::min(backoff_ms * 2, kMaxBackoff_ms);
  }
}

}  // namespace

void register_background_worker() {
  BackgroundWorker entry{};
  entry.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  entry.bgw_start_time =
      BgWorkerStart_RecoveryFinished;  // a standby can't store the worker's password
  entry.bgw_restart_time = kRestartSeconds;
  strlcpy(entry.bgw_name, "lakehouse launcher", BGW_MAXLEN);
  strlcpy(entry.bgw_type, "lakehouse launcher", BGW_MAXLEN);
  strlcpy(entry.bgw_library_name, "lakehouse", BGW_MAXLEN);
  strlcpy(entry.bgw_function_name, "lakehouse_launcher_main", BGW_MAXLEN);
  RegisterBackgroundWorker(&entry);
}

}  // namespace lakehouse::launcher

extern "C" PGDLLEXPORT void lakehouse_launcher_main(Datum) {
  pqsignal(SIGTERM, die);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  pqsignal(SIGCHLD, lakehouse::launcher::wake_on_child);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection(lakehouse::settings::database, nullptr, 0);
  before_shmem_exit(lakehouse::launcher::stop_worker_at_exit, 0);
  lakehouse::border::serve([] { lakehouse::launcher::run(); });
}
