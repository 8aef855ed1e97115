// SPDX-License-Identifier: PostgreSQL
// Batches in the order of the rows' ids; each is a transaction of its own.
#include "worker/secrets/resealer.hpp"

#include <array>
#include <vector>

#include "worker/io/readiness.hpp"
#include "worker/warehouses/connection_row.hpp"

namespace lakehouse::worker::secrets {
namespace {

constexpr std::int64_t kBatchRows = 50;
constexpr std::chrono::milliseconds kBatchTime = std::chrono::seconds(10);
// Between batches: the database has other work.
constexpr std::chrono::milliseconds kPause{10};
constexpr const char* kNowhere = "00000000-0000-0000-0000-000000000000";

// The tables with secrets of services; all have the columns named below. The purpose that their
// places name is the table's name.
constexpr std::array kTables = {"warehouse_connections", "stores"};

std::string select_from(const std::string& table) {
  return "SELECT tenant_id::text, id::text, endpoint, secret, secret_version FROM lakehouse." +
         table +
         " WHERE (tenant_id, id) > ($1::uuid, $2::uuid) "
         "AND lakehouse.sealing_key_id(secret) < $3::bigint "
         "ORDER BY tenant_id, id LIMIT $4::bigint FOR UPDATE SKIP LOCKED";
}

std::string replace_in(const std::string& table) {
  return "UPDATE lakehouse." + table +
         " SET secret = $4 WHERE tenant_id = $1::uuid AND id = $2::uuid AND secret = $3";
}

constexpr const char* kCountLeft =
    "SELECT coalesce(sum(secrets), 0)::bigint FROM lakehouse.master_keys WHERE key_id < $1::bigint";

struct SealedRow {
  std::string tenant_id, id, endpoint, secret;
  std::int64_t secret_version = 0;
};

Result<std::vector<SealedRow>> to_rows(const db::Rows& rows) {
  std::vector<SealedRow> read;
  for (int i = 0; i < rows.count(); ++i) {
    db::Row row = rows.row(i);
    SealedRow& one = read.emplace_back();
    one.tenant_id = row.text();
    one.id = row.text();
    one.endpoint = row.text();
    one.secret = row.bytes_or_null().value_or("");
    one.secret_version = row.integer();
    if (Status sound = row.finish(); !sound) return sound.error();
  }
  return read;
}

vault::Place place_of(const SealedRow& row, const std::string& table) {
  return {row.tenant_id, table, row.id, warehouses::secret_column(row.endpoint),
          static_cast<std::uint64_t>(row.secret_version)};
}

void pause(const std::stop_token& stop) {
  io::wait_until_ready(-1, 0, Context{Deadline::in(kPause), stop, {}});
}

}  // namespace

Result<Resealer::Outcome> Resealer::run(const Context& context) {
  Outcome outcome;
  for (const char* const table : kTables) {
    Position position{table, kNowhere, kNowhere};
    while (!position.is_end) {
      if (context.stop.stop_requested()) return cancelled_error();
      const Context bounded{Deadline::in(kBatchTime), context.stop, context.request_id};
      if (Status done = run_batch(position, outcome, bounded); !done) return done.error();
      if (!position.is_end) pause(context.stop);
    }
  }
  const auto left = count_left(Context{Deadline::in(kBatchTime), context.stop, {}});
  if (!left) return left.error();
  outcome.left = *left;
  return outcome;
}

Status Resealer::run_batch(Position& position, Outcome& outcome, const Context& context) {
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  auto transaction = db::Transaction::begin(**lease, context);
  if (!transaction) return transaction.error();
  auto selected =
      (*lease)->query(select_from(position.table).c_str(),
                      {db::Value::text(position.tenant_id), db::Value::text(position.id),
                       db::Value::integer(vault_.writing_key_id()), db::Value::integer(kBatchRows)},
                      context);
  if (!selected) return selected.error();
  auto rows = to_rows(*selected);
  if (!rows) return rows.error();
  Outcome batch;
  for (const SealedRow& row : *rows) {
    if (Status done = reseal(**lease, place_of(row, position.table), row.secret, batch, context);
        !done) {
      return done;
    }
  }
  if (Status committed = transaction->commit(context); !committed) return committed;
  outcome.resealed += batch.resealed;
  outcome.unreadable += batch.unreadable;
  counters_.secrets_resealed += batch.resealed;
  position.is_end = rows->size() < static_cast<std::size_t>(kBatchRows);
  if (!rows->empty()) {
    position.tenant_id = rows->back().tenant_id;
    position.id = rows->back().id;
  }
  return kDone;
}

Status Resealer::reseal(db::Connection& connection, const vault::Place& place,
                        const std::string& sealed, Outcome& outcome, const Context& context) {
  const auto secret = vault_.open(sealed, place);
  if (!secret) {
    ++outcome.unreadable;
    return kDone;
  }
  const auto envelope = vault_.seal(*secret, place);
  if (!envelope) return envelope.error();
  auto replaced = connection.query(replace_in(place.purpose).c_str(),
                                   {db::Value::text(place.tenant_id), db::Value::text(place.row_id),
                                    db::Value::bytes(sealed), db::Value::bytes(*envelope)},
                                   context);
  if (!replaced) return replaced.error();
  outcome.resealed += replaced->changed_count();
  return kDone;
}

Result<std::uint64_t> Resealer::count_left(const Context& context) {
  auto rows = pool_.query(kCountLeft, {db::Value::integer(vault_.writing_key_id())}, context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  const std::int64_t left = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return static_cast<std::uint64_t>(left);
}

}  // namespace lakehouse::worker::secrets
