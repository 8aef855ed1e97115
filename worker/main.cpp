// SPDX-License-Identifier: PostgreSQL
// lakehouse-worker: does for a PostgreSQL server what a backend must not do itself: network,
// secrets, threads. `serve` is started by the launcher in the server; the other commands talk to
// the running worker.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "worker/command/key.hpp"
#include "worker/command/secret_set.hpp"
#include "worker/command/status.hpp"
#include "worker/config/settings.hpp"
#include "worker/log/log.hpp"
#include "worker/process/hardening.hpp"
#include "worker/process/signals.hpp"
#include "worker/service/service.hpp"
#include "worker/version.hpp"

namespace {

using namespace std::chrono_literals;
using lakehouse::Error;
using lakehouse::LogLevel;
namespace worker = lakehouse::worker;

constexpr auto kSettingsTime = 10s;  // for the launcher to send its frame
constexpr auto kStopTime = 3s;       // for requests to end after a stop

int fail_to_start(const Error& error, worker::log::Log& log) {
  log.write(LogLevel::kError, error.message, {},
            {{"detail", std::string_view(error.detail)}, {"hint", std::string_view(error.hint)}});
  return EXIT_FAILURE;
}

// The launcher's worker: read the settings, start every part, sleep, stop every part.
int serve(const worker::process::Signals& signals) {
  worker::log::Log log;
  auto settings = worker::config::read_settings(
      STDIN_FILENO, lakehouse::Context{lakehouse::Deadline::in(kSettingsTime), {}, {}});
  if (!settings) return fail_to_start(settings.error(), log);
  auto service = worker::service::Service::start(*std::move(settings), log);
  if (!service) return fail_to_start(service.error(), log);

  log.write(LogLevel::kInfo, "worker started", {}, {{"version", worker::kVersion}});
  const auto cause =
      worker::process::wait_for_stop(signals, STDIN_FILENO, [&service] { (*service)->reload(); });
  const bool is_signal = cause == worker::process::StopCause::kSignal;
  log.write(LogLevel::kInfo, "worker stops", {},
            {{"cause", std::string_view(is_signal ? "signal" : "launcher ended")}});

  if ((*service)->stop(lakehouse::Deadline::in(kStopTime))) return EXIT_SUCCESS;
  log.write(LogLevel::kWarning, "some requests did not end in time");
  std::_Exit(EXIT_SUCCESS);  // their threads still use the service, so nothing may be destroyed
}

int print(const lakehouse::Result<std::string>& text) {
  if (text) {
    std::fputs(text->c_str(), stdout);
    if (!text->ends_with('\n')) std::fputc('\n', stdout);
    return EXIT_SUCCESS;
  }
  const Error& error = text.error();
  std::fprintf(stderr, "lakehouse-worker: %s\n", error.message.c_str());
  if (!error.detail.empty()) std::fprintf(stderr, "DETAIL: %s\n", error.detail.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "HINT: %s\n", error.hint.c_str());
  return EXIT_FAILURE;
}

int run(int argc, char** argv, const worker::process::Signals& signals) {
  CLI::App app("The worker of the Lakehouse extension", "lakehouse-worker");
  app.set_version_flag("--version", "lakehouse-worker " + std::string(worker::kVersion));
  app.require_subcommand(1);

  auto* serving = app.add_subcommand("serve", "serve a PostgreSQL server (started by it)");

  worker::command::SecretTarget target;
  auto* secret = app.add_subcommand("secret", "secrets of warehouse connections");
  secret->require_subcommand(1);
  auto* setting = secret->add_subcommand("set", "store the secret given on standard input");
  setting->add_option("--socket-directory", target.socket_directory, "lakehouse.socket_directory")
      ->required();
  setting->add_option("--tenant", target.tenant, "slug of the tenant")->required();
  setting->add_option("--connection", target.connection, "name of the connection")->required();

  std::string key_directory;
  std::uint32_t retired_id = 0;
  auto* key = app.add_subcommand("key", "master keys, which encrypt those secrets");
  key->require_subcommand(1);
  auto* adding = key->add_subcommand("add", "make a key, which encrypts from now on");
  auto* listing = key->add_subcommand("list", "show the keys, and how many secrets need each");
  auto* retiring = key->add_subcommand("retire", "remove a key that no secret needs");
  retiring->add_option("id", retired_id, "id of the key")->required();
  for (auto* command : {adding, listing, retiring}) {
    command->add_option("--socket-directory", key_directory, "lakehouse.socket_directory")
        ->required();
  }

  std::string status_directory;
  auto* status = app.add_subcommand("status", "show what the running worker says about itself");
  status->add_option("--socket-directory", status_directory, "lakehouse.socket_directory")
      ->required();

  CLI11_PARSE(app, argc, argv);
  if (serving->parsed()) return serve(signals);
  if (setting->parsed()) return print(worker::command::set_secret(target, STDIN_FILENO, signals));
  if (adding->parsed()) return print(worker::command::add_key(key_directory));
  if (listing->parsed()) return print(worker::command::list_keys(key_directory));
  if (retiring->parsed()) return print(worker::command::retire_key(key_directory, retired_id));
  return print(worker::command::show_status(status_directory));
}

}  // namespace

int main(int argc, char** argv) {
  const auto hardened = worker::process::harden();
  if (!hardened) return print(hardened.error());
  worker::process::tune_allocator();
  worker::process::raise_descriptor_limit();
  auto signals = worker::process::Signals::block();
  if (!signals) return print(signals.error());
  try {
    return run(argc, argv, *signals);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "lakehouse-worker: %s\n", exception.what());
    return EXIT_FAILURE;
  }
}
