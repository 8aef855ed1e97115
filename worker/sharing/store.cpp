// SPDX-License-Identifier: PostgreSQL
// Names are compared without case, and sorted by bytes, so that pages have one order everywhere.
#include "worker/sharing/store.hpp"

namespace lakehouse::worker::sharing {
namespace {

using db::Value;

constexpr const char* kAdmit =
    "SELECT outcome, coalesce(recipient_id::text, ''), coalesce(recipient, ''), "
    "coalesce(tenant_id::text, ''), coalesce(token_id, 0), coalesce(token_expires_at, 0), "
    "coalesce(share_id::text, ''), coalesce(share_name, ''), coalesce(table_id::text, ''), "
    "coalesce(shown_schema, ''), coalesce(shown_name, ''), coalesce(description, ''), "
    "coalesce(with_history, false)::int, coalesce(start_version, 0), coalesce(stored_version, -1), "
    "coalesce(location, ''), coalesce(store_id::text, ''), coalesce(wait_ms, 0) "
    "FROM lakehouse.admit_recipient($1, $2, nullif($3, ''), nullif($4, ''), nullif($5, ''))";
constexpr const char* kListShares =
    "SELECT '', s.name, s.id::text, '', lower(s.name) FROM lakehouse.share_grants g "
    "JOIN lakehouse.shares s ON s.id = g.share_id "
    "WHERE g.recipient_id = $1::uuid AND lower(s.name) COLLATE \"C\" > $2 "
    "ORDER BY lower(s.name) COLLATE \"C\" LIMIT $3";
constexpr const char* kListSchemas =
    "SELECT '', min(t.schema_name), '', '', lower(t.schema_name) FROM lakehouse.share_tables t "
    "WHERE t.share_id = $1::uuid AND lower(t.schema_name) COLLATE \"C\" > $2 "
    "GROUP BY lower(t.schema_name) ORDER BY lower(t.schema_name) COLLATE \"C\" LIMIT $3";
constexpr const char* kListTables =
    "SELECT t.schema_name, t.name, t.share_id::text, t.table_id::text, "
    "lower(t.schema_name || '/' || t.name) FROM lakehouse.share_tables t "
    "WHERE t.share_id = $1::uuid AND ($2 = '' OR lower(t.schema_name) = lower($2)) "
    "AND lower(t.schema_name || '/' || t.name) COLLATE \"C\" > $3 "
    "ORDER BY lower(t.schema_name || '/' || t.name) COLLATE \"C\" LIMIT $4";
constexpr const char* kAdmitFile =
    "SELECT location, store_id::text FROM lakehouse.admit_file($1, $2::uuid, $3::uuid, $4)";
constexpr const char* kActivate =
    "SELECT coalesce(auth, ''), coalesce(client_id, ''), coalesce(expires_at, 0) "
    "FROM lakehouse.activate_recipient($1, $2, $3)";
constexpr const char* kIssueToken =
    "SELECT outcome, coalesce(retry_seconds, 0) FROM lakehouse.issue_recipient_token("
    "$1::uuid, $2, $3, $4, make_interval(secs => $5))";

Result<Store::List> read_list(const Result<db::Rows>& rows) {
  if (!rows) return rows.error();
  Store::List list;
  for (int i = 0; i < rows->count(); ++i) {
    db::Row row = rows->row(i);
    Store::Named named;
    named.schema = row.text();
    named.name = row.text();
    named.id = row.text();
    named.table_id = row.text();
    named.key = row.text();
    if (Status sound = row.finish(); !sound) return sound.error();
    list.push_back(std::move(named));
  }
  return list;
}

}  // namespace

Result<Admission> Store::admit(std::string_view token_hash, std::string_view address,
                               const Target& target, const Context& context) {
  auto rows =
      pool_.query({kAdmit,
                   {Value::bytes(token_hash), Value::text(address), Value::text(target.share),
                    Value::text(target.schema), Value::text(target.table)},
                   "sharing_admit"},
                  context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Admission admission;
  Recipient& recipient = admission.recipient;
  SharedTable& table = admission.table;
  admission.outcome = row.text();
  recipient.id = row.text();
  recipient.name = row.text();
  recipient.tenant_id = row.text();
  recipient.token_id = row.integer();
  recipient.token_expires_at = row.integer();
  table.share_id = row.text();
  table.share = row.text();
  table.id = row.text();
  table.schema = row.text();
  table.name = row.text();
  table.description = row.text();
  table.has_history = row.integer() != 0;
  table.start_version = row.integer();
  table.version = row.integer();
  table.location = row.text();
  table.store_id = row.text();
  recipient.wait_ms = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return admission;
}

Result<Store::List> Store::list_shares(std::string_view recipient_id, std::string_view after,
                                       std::int64_t most, const Context& context) {
  return read_list(
      pool_.query({kListShares,
                   {Value::text(recipient_id), Value::text(after), Value::integer(most)},
                   "sharing_list_shares"},
                  context));
}

Result<Store::List> Store::list_schemas(std::string_view share_id, std::string_view after,
                                        std::int64_t most, const Context& context) {
  return read_list(pool_.query({kListSchemas,
                                {Value::text(share_id), Value::text(after), Value::integer(most)},
                                "sharing_list_schemas"},
                               context));
}

Result<Store::List> Store::list_tables(std::string_view share_id, std::string_view schema,
                                       std::string_view after, std::int64_t most,
                                       const Context& context) {
  return read_list(pool_.query(
      {kListTables,
       {Value::text(share_id), Value::text(schema), Value::text(after), Value::integer(most)},
       "sharing_list_tables"},
      context));
}

Result<std::optional<Store::FilePlace>> Store::admit_file(std::int64_t token_id,
                                                          std::string_view share_id,
                                                          std::string_view table_id,
                                                          std::string_view address,
                                                          const Context& context) {
  auto rows = pool_.query({kAdmitFile,
                           {Value::integer(token_id), Value::text(share_id), Value::text(table_id),
                            Value::text(address)},
                           "sharing_admit_file"},
                          context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  const auto location = row.text_or_null();
  const auto store_id = row.text_or_null();
  if (Status sound = row.finish(); !sound) return sound.error();
  if (!location) return std::optional<FilePlace>();
  return std::optional<FilePlace>({*location, store_id.value_or("")});
}

Result<Store::Activation> Store::activate(std::string_view activation_hash,
                                          std::string_view token_hash, std::string_view secret_hash,
                                          const Context& context) {
  auto rows = pool_.query(
      kActivate,
      {Value::bytes(activation_hash), Value::bytes(token_hash), Value::bytes(secret_hash)},
      context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Activation activation;
  activation.auth = row.text();
  activation.client_id = row.text();
  activation.expires_at = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return activation;
}

Result<Store::Issue> Store::issue_token(std::string_view client_id, std::string_view secret_hash,
                                        std::string_view token_hash, std::string_view address,
                                        const Context& context) {
  auto rows =
      pool_.query(kIssueToken,
                  {Value::text(client_id), Value::bytes(secret_hash), Value::bytes(token_hash),
                   Value::text(address), Value::integer(kAccessSeconds)},
                  context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Issue issue;
  issue.outcome = row.text();
  issue.retry_seconds = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return issue;
}

}  // namespace lakehouse::worker::sharing
