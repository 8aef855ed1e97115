// SPDX-License-Identifier: PostgreSQL
// read_as_tenant(): whom a publishing session reads as. A view runs its functions as whoever reads
// it, and tenants write their own views; so they are read with the tenant's rights, as a
// security-restricted operation that writes nothing, and only the transaction's end gives the
// session's own rights back.
#include "extension/border/border.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::publish {
namespace {

constexpr char kFindRole[] =
    "SELECT pg_catalog.to_regrole(t.slug || '_admin')::pg_catalog.oid "
    "FROM lakehouse.tenants t WHERE t.id OPERATOR(pg_catalog.=) $1";

// The session's, while it reads as somebody else.
struct Own {
  Oid user = InvalidOid;
  int context = 0;
  bool is_set_aside = false;
};
Own own;
bool is_registered = false;

void give_back(XactEvent event, void* /*argument*/) {
  const bool is_end = event == XACT_EVENT_COMMIT || event == XACT_EVENT_PARALLEL_COMMIT;
  // An abort has given the rights back already.
  if (own.is_set_aside && is_end) SetUserIdAndSecContext(own.user, own.context);
  if (is_end || event == XACT_EVENT_ABORT || event == XACT_EVENT_PARALLEL_ABORT)
    own.is_set_aside = false;
}

Oid admin_of(Datum tenant) {
  Oid types[] = {UUIDOID};
  Datum values[] = {tenant};
  SPI_connect();
  const int result = SPI_execute_with_args(kFindRole, 1, types, values, nullptr, true, 1);
  Oid role = InvalidOid;
  if (result == SPI_OK_SELECT && SPI_processed == 1) {
    bool is_null = false;
    const Datum found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
    if (!is_null) role = DatumGetObjectId(found);
  }
  SPI_finish();
  return role;
}

void read_as(Oid role) {
  Oid user = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&user, &context);
  if (context != 0 || superuser_arg(role)) {
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("permission denied to read as role \"%s\"", GetUserNameFromId(role, false))));
  }
  if (!is_registered) RegisterXactCallback(give_back, nullptr);
  is_registered = true;
  own = {user, context, true};
  (void)set_config_option("transaction_read_only", "on", PGC_USERSET, PGC_S_SESSION,
                          GUC_ACTION_LOCAL, true, 0, false);
  SetUserIdAndSecContext(role, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

}  // namespace
}  // namespace lakehouse::publish

LAKEHOUSE_SQL_FUNCTION(lakehouse_read_as_tenant) {
  using namespace lakehouse;
  border::call([&] {
    const Oid role = publish::admin_of(PG_GETARG_DATUM(0));
    if (!OidIsValid(role)) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("tenant does not exist")));
    }
    publish::read_as(role);
  });
  return Datum{0};
}
