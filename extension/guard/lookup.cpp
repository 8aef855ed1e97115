// SPDX-License-Identifier: PostgreSQL
// An old snapshot of the caller's must not bring back an old policy.
#include "extension/guard/lookup.hpp"

#include "extension/border/border.hpp"
#include "extension/guard/identity.hpp"

namespace lakehouse::guard {
namespace {

SPIPlanPtr plan_of(LookupQuery& query) {
  if (query.plan != nullptr) return query.plan;
  Oid types[] = {OIDOID};
  SPIPlanPtr plan = SPI_prepare(query.text, 1, types);
  if (plan == nullptr || SPI_keepplan(plan) != 0) elog(ERROR, "the guard can't plan its queries");
  query.plan = plan;
  return plan;
}

void run(const Lookup& lookup) {
  Oid user = InvalidOid;
  int security = 0;
  GetUserIdAndSecContext(&user, &security);
  const int settings = NewGUCNestLevel();
  (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
                          GUC_ACTION_SAVE, true, 0, false);
  PushActiveSnapshot(IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot());
  SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID, security | SECURITY_LOCAL_USERID_CHANGE);
  SPI_connect();
  Datum values[] = {ObjectIdGetDatum(lookup.argument)};
  if (SPI_execute_plan(plan_of(*lookup.query), values, nullptr, true, 1) != SPI_OK_SELECT)
    elog(ERROR, "the guard can't read its policies");
  if (SPI_processed == 1) lookup.read(lookup.target);
  SPI_finish();
  SetUserIdAndSecContext(user, security);
  PopActiveSnapshot();
  AtEOXact_GUC(false, settings);
}

}  // namespace

ErrorData* look_up(const Lookup& lookup) {
  Lookup given = lookup;
  ++trusted_depth;
  ErrorData* error = border::run_guarded(
      [](void* argument) { run(*static_cast<const Lookup*>(argument)); }, &given);
  --trusted_depth;
  return error;
}

}  // namespace lakehouse::guard
