// SPDX-License-Identifier: PostgreSQL
// One query each. Schemas are joined to their tables from the left, so that an empty schema and
// none at all differ.
#include "core/warehouse/databricks/catalog.hpp"

#include "core/dialect/quote.hpp"
#include "core/warehouse/excerpt.hpp"
#include "core/wire/batch_view.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using Row = std::vector<std::optional<std::string>>;

// `catalog`.information_schema.<table>
std::string relation(const std::string& catalog, std::string_view table) {
  std::string name;
  if (!catalog.empty()) {
    dialect::quote_identifier(catalog, '`', [&](std::string_view part) { name += part; });
    name += '.';
  }
  return name + "information_schema." + std::string(table);
}

Parameter text_parameter(std::string name, std::string value) {
  return {std::move(name), "STRING", std::move(value)};
}

// " AND t.table_name IN (:n0, :n1)", with its parameters.
std::string name_condition(const TableSelection& selection, std::vector<Parameter>& parameters) {
  if (selection.filter == NameFilter::kAll || selection.names.empty()) {
    return selection.filter == NameFilter::kOnly ? " AND FALSE" : "";
  }
  std::string condition = selection.filter == NameFilter::kOnly ? " AND t.table_name IN ("
                                                                : " AND t.table_name NOT IN (";
  for (std::size_t i = 0; i < selection.names.size(); ++i) {
    const std::string name = "n" + std::to_string(i);
    condition += (i == 0 ? ":" : ", :") + name;
    parameters.push_back(text_parameter(name, selection.names[i]));
  }
  return condition + ")";
}

// Schemas and their chosen tables; the schema's name is folded as Unity Catalog folds it.
std::string from_clause(const TableSelection& selection, std::vector<Parameter>& parameters) {
  parameters.push_back(text_parameter("schema", selection.schema));
  return " FROM " + relation(selection.catalog, "schemata") + " AS s LEFT JOIN " +
         relation(selection.catalog, "tables") + " AS t ON t.table_schema = s.schema_name" +
         name_condition(selection, parameters);
}

constexpr std::string_view kWhere = " WHERE s.schema_name = lower(:schema) ORDER BY ";

// All rows of a query whose columns are text.
Result<std::vector<Row>> read_all(Warehouse& warehouse, Query query, const Context& context) {
  const std::vector<wire::CellType> types(query.columns.size(), wire::CellType::kText);
  Result<std::unique_ptr<Statement>> statement = warehouse.submit(std::move(query), context);
  if (!statement) return std::move(statement).error();
  if (Status status = (*statement)->wait(context); !status) return std::move(status).error();
  std::vector<Row> rows;
  for (;;) {
    Result<std::optional<Batch>> batch = (*statement)->next_batch(context);
    if (!batch) return std::move(batch).error();
    if (!*batch) return rows;
    Result<wire::BatchView> view = wire::BatchView::parse((*batch)->bytes, types);
    if (!view) return std::move(view).error();
    for (std::uint32_t row = 0; row < view->row_count(); ++row) {
      Row& cells = rows.emplace_back(types.size());
      for (std::size_t i = 0; i < types.size(); ++i) {
        if (!view->is_null(i, row)) cells[i] = std::string(view->payload(i, row));
      }
    }
  }
}

Error no_schema(const TableSelection& selection) {
  return {ErrorCode::kTableNotFound,
          "remote schema " + quoted_excerpt(selection.schema) + " does not exist",
          selection.catalog.empty() ? std::string()
                                    : "Catalog: " + quoted_excerpt(selection.catalog) + ".",
          "Check the schema's name, and that the connection's identity may use it."};
}

}  // namespace

Result<std::vector<std::string>> list_tables(Warehouse& warehouse, const TableSelection& selection,
                                             const Context& context) {
  Query query;
  query.statement =
      "SELECT t.table_name" + from_clause(selection, query.parameters) + std::string(kWhere) + "1";
  query.columns.resize(1);
  Result<std::vector<Row>> rows = read_all(warehouse, std::move(query), context);
  if (!rows) return std::move(rows).error();
  if (rows->empty()) return no_schema(selection);
  std::vector<std::string> names;
  for (Row& row : *rows) {
    if (row[0]) names.push_back(std::move(*row[0]));
  }
  return names;
}

Result<std::vector<TableDescription>> describe_tables(Warehouse& warehouse,
                                                      const TableSelection& selection,
                                                      const Context& context) {
  Query query;
  const std::string from = from_clause(selection, query.parameters);
  query.statement =
      "SELECT t.table_name, t.comment, c.column_name, c.full_data_type, c.is_nullable, c.comment" +
      from + " LEFT JOIN " + relation(selection.catalog, "columns") +
      " AS c ON c.table_schema = t.table_schema AND c.table_name = t.table_name" +
      std::string(kWhere) + "t.table_name, c.ordinal_position";
  query.columns.resize(6);
  Result<std::vector<Row>> rows = read_all(warehouse, std::move(query), context);
  if (!rows) return std::move(rows).error();
  if (rows->empty()) return no_schema(selection);
  std::vector<TableDescription> tables;
  for (Row& row : *rows) {
    if (!row[0]) continue;
    if (tables.empty() || tables.back().name != *row[0]) {
      tables.push_back({std::move(*row[0]), row[1].value_or(""), {}});
    }
    if (!row[2]) continue;
    const std::string nullable = row[4].value_or("YES");
    tables.back().columns.push_back({std::move(*row[2]), row[3].value_or("string"),
                                     nullable != "NO" && nullable != "false", row[5].value_or("")});
  }
  return tables;
}

}  // namespace lakehouse::warehouse::databricks
