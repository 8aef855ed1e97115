// SPDX-License-Identifier: PostgreSQL
// The library's magic and its start: settings, hooks, the launcher. Nothing of C++ is initialised
// here.
#include "extension/client/discretion.hpp"
#include "extension/fdw/import.hpp"
#include "extension/guard/guard.hpp"
#include "extension/launcher/launcher.hpp"
#include "extension/limits/limiter.hpp"
#include "extension/settings.hpp"
#include "extension/postgres/prelude.hpp"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

void _PG_init() {
  lakehouse::settings::define_all();
  lakehouse::client::install_discretion();
  lakehouse::fdw::install_import_hook();
  lakehouse::guard::install();
  if (!process_shared_preload_libraries_in_progress) return;
  lakehouse::limits::request_memory();
  lakehouse::launcher::register_background_worker();
}
