// SPDX-License-Identifier: PostgreSQL
// publish_and_wait(): has the worker publish a tenant's tables and returns what came of it. A
// cancelled query closes the socket, and with it the publish ends.
#include <string>

#include "core/wire/codec.hpp"
#include "extension/border/border.hpp"
#include "extension/client/channel.hpp"
#include "extension/client/tenant_admin.hpp"
#include "extension/postgres/text.hpp"

namespace lakehouse::publish {
namespace {

// (table_name, version, operation, rows_added, rows_changed, rows_removed, bytes_written,
// duration_ms)
void put_row(const ReturnSetInfo* result, const wire::PublishedVersion& version) {
  Datum values[] = {postgres::text_datum(version.table),
                    Int64GetDatum(version.version),
                    postgres::text_datum(version.operation),
                    Int64GetDatum(version.rows_added),
                    Int64GetDatum(version.rows_changed),
                    Int64GetDatum(version.rows_removed),
                    Int64GetDatum(version.bytes_written),
                    Float8GetDatum(static_cast<double>(version.duration_us) / 1000.0)};
  bool nulls[lengthof(values)] = {};
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

}  // namespace
}  // namespace lakehouse::publish

LAKEHOUSE_SQL_FUNCTION(lakehouse_publish_and_wait) {
  using namespace lakehouse;
  using border::call;
  wire::PublishNow request;
  call([&] {
    client::require_tenant_admin(PG_GETARG_DATUM(0), "publish tables of this tenant");
    InitMaterializedSRF(fcinfo, 0);
  });
  request.tenant_id =
      call([&] { return DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0))); });
  request.requested_by = call([] { return GetUserNameFromId(GetSessionUserId(), false); });
  const auto report =
      client::Channel::open(client::Patience::kRestart)->ask<wire::PublishReport>(request);
  const auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  for (const wire::PublishedVersion& version : report.versions) {
    call([&] { publish::put_row(result, version); });
  }
  return Datum{0};
}
