// SPDX-License-Identifier: PostgreSQL
// Names in the statements are quoted by the database, expressions are those of published_columns().
#include "worker/publish/row_source.hpp"

#include <charconv>

#include "worker/json/value.hpp"
#include "worker/publish/row_batches.hpp"

namespace lakehouse::worker::publish {
namespace {

constexpr const char* kBecomeTenant = "SELECT lakehouse.read_as_tenant($1::uuid)";

// It becomes part of a statement that takes no parameter.
bool is_snapshot(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789ABCDEFabcdef-") == std::string::npos;
}

// "a, b, c"
template <typename Item>
std::string joined(std::size_t count, Item item) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ", ") + item(i);
  return text;
}

}  // namespace

Result<RowSource> RowSource::open(db::Connection& connection, const Viewpoint& viewpoint,
                                  const Table& table, const Columns& columns, Deadline until,
                                  const Context& of_job) {
  if (!is_snapshot(viewpoint.snapshot)) {
    return Error{ErrorCode::kInternal, "unexpected name of a snapshot", "", ""};
  }
  auto transaction = db::Transaction::begin(connection, of_job, db::Isolation::kRepeatableRead);
  if (!transaction) return std::move(transaction).error();
  RowSource source(connection, *std::move(transaction), table, columns, until);
  const Context context = source.bounded(of_job);
  const std::string look = "SET TRANSACTION SNAPSHOT '" + viewpoint.snapshot + "'";
  if (auto set = connection.query(look.c_str(), {}, context); !set) return std::move(set).error();
  auto become = connection.query(kBecomeTenant, {db::Value::text(viewpoint.tenant_id)}, context);
  if (!become) return std::move(become).error();
  if (Status learned = source.learn_types(context); !learned) return std::move(learned).error();
  return source;
}

Status RowSource::learn_types(const Context& context) {
  const std::string sql = selection() + " LIMIT 0";
  auto described = connection_->query(sql.c_str(), {}, context);
  if (!described) return std::move(described).error();
  std::vector<std::uint32_t> types;
  for (int i = 0; i < described->column_count(); ++i) types.push_back(described->column_type(i));
  auto cells = Cells::open(columns_->schema, types);
  if (!cells) return std::move(cells).error();
  cells_ = *std::move(cells);
  return kDone;
}

// The sizes that published_tables and pg_class know may be old, or none: the planner looks at the
// files.
Result<std::int64_t> RowSource::estimate(const Context& context) {
  const std::string sql = "EXPLAIN (FORMAT JSON) " + selection();
  auto explained = connection_->query(sql.c_str(), {}, bounded(context));
  if (!explained) return std::move(explained).error();
  const auto plans = json::parse(explained->row(0).text());
  if (!plans || plans->members.empty()) return 0;
  const json::Value* rows = plans->members.front().value.object("Plan").find("Plan Rows");
  std::int64_t count = 0;
  if (rows != nullptr) {
    std::from_chars(rows->text.data(), rows->text.data() + rows->text.size(), count);
  }
  return count;
}

Status RowSource::read_all(const Take& take, const Context& context) {
  RowBatches batches(columns_->schema, cells_, take);
  const std::string sql = "COPY (" + selection() + ") TO STDOUT (FORMAT BINARY)";
  const Status read = connection_->copy_out(
      sql.c_str(), [&batches](std::string_view message) { return batches.add_copied(message); },
      bounded(context));
  if (!read) return read;
  return batches.finish();
}

Status RowSource::read_keys(const std::vector<std::vector<std::string>>& keys, const Take& take,
                            const Context& context) {
  RowBatches batches(columns_->schema, cells_, take);
  std::vector<db::Value> values;
  for (const auto& texts : keys) values.push_back(db::Value::text(array_text(texts)));
  const std::string sql = selection() + key_condition();
  const Status read = connection_->stream(
      sql.c_str(), values, [&batches](const db::Rows& row) { return batches.add_row(row); },
      bounded(context));
  if (!read) return read;
  return batches.finish();
}

Context RowSource::bounded(const Context& context) const {
  return {context.deadline.sooner(until_), context.stop, context.request_id};
}

std::string RowSource::selection() const {
  const auto& expressions = columns_->expressions;
  return "SELECT " + joined(expressions.size(), [&](std::size_t i) { return expressions[i]; }) +
         " FROM " + table_->source;
}

// WHERE ("id") IN (SELECT k1::uuid FROM ROWS FROM (unnest($1::text[])) AS changed (k1)): unnest()
// of several arrays at once is grammar that a qualified name doesn't have.
std::string RowSource::key_condition() const {
  const std::size_t count = table_->key_places.size();
  const auto number = [](std::size_t i) { return std::to_string(i + 1); };
  return " WHERE (" + joined(count, [&](std::size_t i) { return table_->key_places[i]; }) +
         ") IN (SELECT " +
         joined(count,
                [&](std::size_t i) { return "k" + number(i) + "::" + table_->key_types[i]; }) +
         " FROM ROWS FROM (" +
         joined(count,
                [&](std::size_t i) {
                  return "pg_catalog.unnest($" + number(i) + "::pg_catalog.text[])";
                }) +
         ") AS changed (" + joined(count, [&](std::size_t i) { return "k" + number(i); }) + "))";
}

}  // namespace lakehouse::worker::publish
