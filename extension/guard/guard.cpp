// SPDX-License-Identifier: PostgreSQL
// A library that is loaded later than with the server has missed statements that are now prepared.
#include "extension/guard/guard.hpp"

#include "extension/guard/access.hpp"
#include "extension/guard/analyse.hpp"
#include "extension/guard/counters.hpp"
#include "extension/guard/executor.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/planner.hpp"
#include "extension/guard/policy.hpp"
#include "extension/guard/report.hpp"
#include "extension/guard/utility.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as the hooks are.
bool was_preloaded;

}  // namespace

void install() {
  watch_roles();
  install_policy_cache();
  install_analyse_hook();
  install_planner_hook();
  install_executor_hooks();
  install_utility_hook();
  install_access_hook();
  install_report_hook();
  was_preloaded = process_shared_preload_libraries_in_progress;
  if (was_preloaded) request_counters();
}

bool is_in_force() { return was_preloaded; }

}  // namespace lakehouse::guard
