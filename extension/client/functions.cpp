// SPDX-License-Identifier: PostgreSQL
// SQL functions that put one question to the worker, or say how it is set up. Their SQL
// declarations, comments and grants: extension/sql.
#include <string>

#include "core/wire/codec.hpp"
#include "extension/border/border.hpp"
#include "extension/client/channel.hpp"
#include "extension/client/discretion.hpp"
#include "extension/client/tenant_admin.hpp"
#include "extension/settings.hpp"
#include "extension/postgres/text.hpp"

using lakehouse::border::call;
using lakehouse::client::Channel;
using lakehouse::client::Patience;
using lakehouse::client::require_tenant_admin;
namespace postgres = lakehouse::postgres;
namespace settings = lakehouse::settings;
namespace wire = lakehouse::wire;

namespace {

std::string text_argument(FunctionCallInfo fcinfo, int number) {
  return std::string(call([&] { return postgres::view_of(PG_GETARG_TEXT_PP(number)); }));
}

std::string uuid_argument(FunctionCallInfo fcinfo, int number) {
  return call(
      [&] { return DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(number))); });
}

Datum text_result(const std::string& value) {
  return call([&] { return postgres::text_datum(value); });
}

template <typename Answer, typename Request>
Answer ask_worker(const Request& request) {
  return Channel::open(Patience::kRestart)->template ask<Answer>(request);
}

// The connection's row, by the caller's own rights and the table's row policy.
void require_visible_connection(Datum connection_id) {
  Oid types[] = {UUIDOID};
  Datum values[] = {connection_id};
  SPI_connect();
  SPI_execute_with_args(
      "SELECT FROM lakehouse.warehouse_connections WHERE "
      "id OPERATOR(pg_catalog.=) $1",
      1, types, values, nullptr, true, 1);
  const bool is_visible = SPI_processed == 1;
  SPI_finish();
  if (is_visible) return;
  ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("connection does not exist")));
}

Datum audit_report_result(FunctionCallInfo fcinfo, const wire::AuditReport& report) {
  TupleDesc description = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "not a composite type");
  Datum values[] = {BoolGetDatum(report.is_intact), Int64GetDatum(report.records),
                    Int64GetDatum(report.first_bad_seq), postgres::text_datum(report.reason)};
  bool nulls[] = {false, false, report.first_bad_seq == 0, report.reason.empty()};
  return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
}

}  // namespace

// hide_statement(shown_instead text): see discretion.hpp.
LAKEHOUSE_SQL_FUNCTION(lakehouse_hide_statement) {
  const std::string shown_instead = text_argument(fcinfo, 0);
  call([&] { lakehouse::client::hide_current_statement(shown_instead.c_str()); });
  PG_RETURN_VOID();
}

// seal_secret(tenant_id uuid, purpose text, row_id uuid, column_name text, version bigint, secret
// text) → bytea
LAKEHOUSE_SQL_FUNCTION(lakehouse_seal_secret) {
  wire::SealSecret request;
  request.tenant_id = uuid_argument(fcinfo, 0);
  request.purpose = text_argument(fcinfo, 1);
  request.row_id = uuid_argument(fcinfo, 2);
  request.column = text_argument(fcinfo, 3);
  request.version = static_cast<std::uint64_t>(PG_GETARG_INT64(4));
  request.plaintext = text_argument(fcinfo, 5);
  const auto sealed = ask_worker<wire::SealedSecret>(request);
  explicit_bzero(request.plaintext.data(), request.plaintext.size());
  return text_result(sealed.envelope);  // text and bytea are the same varlena
}

// probe_connection(connection_id uuid) → setof (step text, ok boolean, duration_ms double
// precision, detail text)
LAKEHOUSE_SQL_FUNCTION(lakehouse_probe_connection) {
  call([&] {
    settings::require_warehouse_integration();
    require_visible_connection(PG_GETARG_DATUM(0));
    InitMaterializedSRF(fcinfo, 0);
  });
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  wire::TestConnection request;
  request.connection_id = uuid_argument(fcinfo, 0);
  const auto report = ask_worker<wire::TestReport>(request);
  for (const wire::TestedStep& step : report.steps) {
    call([&] {
      Datum values[] = {postgres::text_datum(step.step), BoolGetDatum(step.is_ok),
                        Float8GetDatum(static_cast<double>(step.duration_us) / 1000.0),
                        postgres::text_datum(step.detail)};
      bool nulls[] = {false, false, false, step.detail.empty()};
      tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    });
  }
  return Datum{0};
}

// check_audit_chain(tenant_id uuid) → (intact boolean, records bigint, first_bad bigint, reason
// text)
LAKEHOUSE_SQL_FUNCTION(lakehouse_check_audit_chain) {
  // Verifying reads every record, so it is for those who may read them.
  call([&] { require_tenant_admin(PG_GETARG_DATUM(0), "verify the audit log"); });
  wire::VerifyAudit request;
  request.tenant_id = uuid_argument(fcinfo, 0);
  const auto report = ask_worker<wire::AuditReport>(request);
  return call([&] { return audit_report_result(fcinfo, report); });
}

// serves_tls() → boolean: no more of a setting that superusers alone read.
LAKEHOUSE_SQL_FUNCTION(lakehouse_serves_tls) {
  (void)fcinfo;
  PG_RETURN_BOOL(settings::tls_certificate_file != nullptr &&
                 *settings::tls_certificate_file != '\0');
}

// worker_report() → record: see the view lakehouse.worker_status. A worker that is not there is an
// answer, not an error.
LAKEHOUSE_SQL_FUNCTION(lakehouse_worker_report) {
  const auto answer = lakehouse::border::outcome_of(
      [] { return Channel::open(Patience::kNone)->ask<wire::WorkerReport>(wire::WorkerStatus{}); });
  const bool is_running = answer.is_ok();
  if (!is_running && answer.error().code != lakehouse::ErrorCode::kWorkerNotRunning) {
    lakehouse::client::throw_error(answer.error());
  }
  const wire::WorkerReport report = is_running ? *answer : wire::WorkerReport{};
  return call([&]() -> Datum {
    TupleDesc description = nullptr;
    if (get_call_result_type(fcinfo, nullptr, &description) != TYPEFUNC_COMPOSITE)
      elog(ERROR, "not a composite type");
    constexpr std::int64_t kUnixToPostgres_us = 946'684'800'000'000;
    Datum values[] = {BoolGetDatum(is_running),
                      Int32GetDatum(report.process_id),
                      postgres::text_datum(report.version),
                      TimestampTzGetDatum(report.started_at_us - kUnixToPostgres_us),
                      postgres::text_datum(report.listen),
                      BoolGetDatum(report.database_is_ok),
                      Int64GetDatum(report.open_scans),
                      Int64GetDatum(static_cast<std::int64_t>(report.scans)),
                      Int64GetDatum(static_cast<std::int64_t>(report.failed_scans)),
                      Int64GetDatum(static_cast<std::int64_t>(report.rows)),
                      Int64GetDatum(static_cast<std::int64_t>(report.bytes_received)),
                      Int64GetDatum(static_cast<std::int64_t>(report.http_requests)),
                      Int64GetDatum(static_cast<std::int64_t>(report.http_retries)),
                      Int64GetDatum(report.key_id)};
    bool nulls[lengthof(values)];
    for (std::size_t i = 0; i < lengthof(values); ++i) nulls[i] = i > 0 && !is_running;
    return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
  });
}
