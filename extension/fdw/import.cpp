// SPDX-License-Identifier: PostgreSQL
// Asks the worker for the tables, writes CREATE FOREIGN TABLE for each, and comments them
// afterwards.
#include "extension/fdw/import.hpp"

#include <set>
#include <string>

#include "core/dialect/quote.hpp"
#include "core/dialect/types.hpp"
#include "extension/border/border.hpp"
#include "extension/client/channel.hpp"
#include "extension/fdw/option.hpp"
#include "extension/settings.hpp"

namespace lakehouse::fdw {
namespace {

constexpr std::size_t kMaxNameBytes = NAMEDATALEN - 1;

// Process-wide by nature: from the callback to the hook, within one statement.
struct PendingComments {
  std::string local_schema;
  wire::SchemaDescription description;
};
PendingComments* pending = nullptr;
ProcessUtility_hook_type previous_hook;

std::string quoted(std::string_view name) {
  std::string text;
  dialect::quote_identifier(name, '"', [&](std::string_view piece) { text += piece; });
  return text;
}

// A literal for PostgreSQL's own parser, which reads our commands with standard_conforming_strings
// as it may be.
std::string literal(std::string_view value) {
  std::string text = value.find('\\') == std::string_view::npos ? "'" : "E'";
  for (const char letter : value) {
    if (letter == '\'' || letter == '\\') text += letter;
    text += letter;
  }
  return text + "'";
}

// PostgreSQL cuts names at 63 bytes; cut at a character's edge.
std::string clip(const std::string& name, std::size_t limit = kMaxNameBytes) {
  if (name.size() <= limit) return name;
  std::size_t size = limit;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U) --size;
  return name.substr(0, size);
}

// Remote names that are one after the cut, or differ only beyond it, get a number.
std::string unique_name(const std::string& remote, std::set<std::string>& taken) {
  std::string name = clip(remote);
  for (int number = 2; !taken.insert(name).second; ++number) {
    const std::string suffix = "_" + std::to_string(number);
    name = clip(remote, kMaxNameBytes - suffix.size()) + suffix;
  }
  return name;
}

std::string column_definition(const wire::DescribedColumn& column, std::set<std::string>& taken) {
  const std::string name = unique_name(column.name, taken);
  std::string text =
      "  " + quoted(name) + " " + dialect::postgres_type_of(column.type_text) + " OPTIONS (";
  if (name != column.name) text += "column_name " + literal(column.name) + ", ";
  text += "column_type " + literal(column.type_text) + ")";
  return text + (column.is_nullable ? "" : " NOT NULL");
}

std::string create_command(const wire::DescribedTable& table,
                           const ImportForeignSchemaStmt* statement, const std::string& catalog) {
  std::string text = "CREATE FOREIGN TABLE " + quoted(clip(table.name)) + " (\n";
  std::set<std::string> taken;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    text += (i > 0 ? ",\n" : "") + column_definition(table.columns[i], taken);
  }
  text += ") SERVER " + quoted(statement->server_name) + " OPTIONS (";
  if (!catalog.empty()) text += "catalog " + literal(catalog) + ", ";
  return text + "schema " + literal(statement->remote_schema) + ", table_name " +
         literal(table.name) + ")";
}

std::string catalog_option(const ImportForeignSchemaStmt* statement) {
  return border::call([&] {
    const char* catalog = "";
    ListCell* cell;
    foreach (cell, statement->options) {
      auto* option = static_cast<DefElem*>(lfirst(cell));
      if (std::strcmp(option->defname, "catalog") != 0) {
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                        errmsg("invalid option \"%s\"", option->defname),
                        errhint("Valid options in this context are: catalog.")));
      }
      catalog = defGetString(option);
    }
    return catalog;
  });
}

wire::DescribeSchema make_request(const ImportForeignSchemaStmt* statement, Oid server) {
  wire::DescribeSchema request;
  request.connection_id = border::call([&] {
    settings::require_warehouse_integration();
    return connection_of(GetForeignServer(server));
  });
  request.catalog = catalog_option(statement);
  request.schema = statement->remote_schema;
  request.filter = static_cast<std::uint8_t>(statement->list_type);  // both: all, limit to, except
  for (int i = 0; i < list_length(statement->table_list); ++i) {
    request.names.emplace_back(static_cast<RangeVar*>(list_nth(statement->table_list, i))->relname);
  }
  return request;
}
static_assert(FDW_IMPORT_SCHEMA_ALL == 0 && FDW_IMPORT_SCHEMA_LIMIT_TO == 1 &&
              FDW_IMPORT_SCHEMA_EXCEPT == 2);

void forget_pending() {
  delete pending;
  pending = nullptr;
}

void comment_on(Oid relation, std::int32_t attribute, const std::string& comment) {
  if (!comment.empty()) CreateComments(relation, RelationRelationId, attribute, comment.c_str());
}

// Plain below the guard: reads the strings of `pending`, which nothing frees meanwhile.
void comment_tables() {
  const Oid schema = get_namespace_oid(pending->local_schema.c_str(), true);
  for (const wire::DescribedTable& table : pending->description.tables) {
    char name[NAMEDATALEN];
    strlcpy(
        name, table.name.c_str(),
        pg_mbcliplen(table.name.c_str(), static_cast<int>(table.name.size()), NAMEDATALEN - 1) + 1);
    const Oid relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
    if (!OidIsValid(relation)) continue;
    comment_on(relation, 0, table.comment);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      comment_on(relation, static_cast<std::int32_t>(i + 1), table.columns[i].comment);
    }
  }
  CommandCounterIncrement();
}

void run_utility(PlannedStmt* statement, const char* query, bool is_read_only,
                 ProcessUtilityContext context, ParamListInfo parameters,
                 QueryEnvironment* environment, DestReceiver* receiver,
                 QueryCompletion* completion) {
  const bool is_import = IsA(statement->utilityStmt, ImportForeignSchemaStmt);
  if (is_import) forget_pending();
  ProcessUtility_hook_type next =
      previous_hook != nullptr ? previous_hook : standard_ProcessUtility;
  next(statement, query, is_read_only, context, parameters, environment, receiver, completion);
  if (!is_import || pending == nullptr) return;
  border::serve([] {
    border::call([] { comment_tables(); });
    forget_pending();
  });
}

}  // namespace

// C++ regime: called through the border.
List* import_schema(ImportForeignSchemaStmt* statement, Oid server) {
  auto channel = client::Channel::open(client::Patience::kRestart);
  auto description = channel->ask<wire::SchemaDescription>(make_request(statement, server));
  const std::string catalog = catalog_option(statement);
  List* commands = NIL;
  for (const wire::DescribedTable& table : description.tables) {
    const std::string command = create_command(table, statement, catalog);
    border::call([&] {
      char* in_server_encoding =
          pg_any_to_server(pstrdup(command.c_str()), static_cast<int>(command.size()), PG_UTF8);
      commands = lappend(commands, in_server_encoding);
    });
  }
  forget_pending();
  pending = new PendingComments{statement->local_schema, std::move(description)};
  return commands;
}

void install_import_hook() {
  previous_hook = ProcessUtility_hook;
  ProcessUtility_hook = run_utility;
}

}  // namespace lakehouse::fdw
