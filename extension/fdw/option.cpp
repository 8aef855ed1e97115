// SPDX-License-Identifier: PostgreSQL
// The table of options, the validator that knows nothing else, and the readers.
#include "extension/fdw/option.hpp"

#include <cstring>

#include "extension/border/border.hpp"

namespace lakehouse::fdw {
namespace {

// One remote statement costs a round trip and a place in the warehouse's queue: as much as reading
// ~100,000 local rows.
constexpr double kStartupCost = 1000.0;
// A row over the wire, against cpu_tuple_cost 0.01 for a local one.
constexpr double kTupleCost = 0.05;

enum class Kind { kText, kUuid, kBytes, kCost };

struct OptionRule {
  const char* name;
  Oid catalog;
  Kind kind;
};

const OptionRule kRules[] = {
    {"connection", ForeignServerRelationId, Kind::kUuid},
    {"fetch_window", ForeignServerRelationId, Kind::kBytes},
    {"fdw_startup_cost", ForeignServerRelationId, Kind::kCost},
    {"fdw_tuple_cost", ForeignServerRelationId, Kind::kCost},
    {"catalog", ForeignTableRelationId, Kind::kText},
    {"schema", ForeignTableRelationId, Kind::kText},
    {"table_name", ForeignTableRelationId, Kind::kText},
    {"column_name", AttributeRelationId, Kind::kText},
    {"column_type", AttributeRelationId, Kind::kText},
};

std::uint64_t parse_bytes(const char* name, const char* text) {
  int kilobytes = 0;
  const char* hint = nullptr;
  if (!parse_int(text, &kilobytes, GUC_UNIT_KB, &hint) || kilobytes < 1024) {
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                    errmsg("invalid value for option \"%s\": \"%s\"", name, text),
                    errhint("Give a size of at least 1MB, with its unit: 64MB.")));
  }
  return static_cast<std::uint64_t>(kilobytes) * 1024;
}

double parse_cost(const char* name, const char* text) {
  double cost = 0;
  if (!parse_real(text, &cost, 0, nullptr) || cost < 0) {
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                    errmsg("invalid value for option \"%s\": \"%s\"", name, text),
                    errhint("Give a number that is not negative.")));
  }
  return cost;
}

// A server may borrow any connection's credential by naming it, so only a superuser or connect_…()
// may.
void check_connection(const char* text) {
  DirectFunctionCall1(uuid_in, CStringGetDatum(text));
  if (!superuser()) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("must be superuser to set option \"connection\""),
                    errhint("Use lakehouse.connect_databricks(), which checks your tenant.")));
  }
}

void check_value(const OptionRule& rule, const char* text) {
  switch (rule.kind) {
    case Kind::kUuid:
      check_connection(text);
      break;
    case Kind::kBytes:
      parse_bytes(rule.name, text);
      break;
    case Kind::kCost:
      parse_cost(rule.name, text);
      break;
    case Kind::kText:
      if (text[0] == '\0') {
        ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                        errmsg("option \"%s\" is empty", rule.name)));
      }
      break;
  }
}

const OptionRule* find_rule(const char* name, Oid catalog) {
  for (const OptionRule& rule : kRules) {
    if (rule.catalog == catalog && std::strcmp(rule.name, name) == 0) return &rule;
  }
  return nullptr;
}

void refuse_unknown(const char* name, Oid catalog) {
  StringInfoData valid;
  initStringInfo(&valid);
  for (const OptionRule& rule : kRules) {
    if (rule.catalog == catalog)
      appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "", rule.name);
  }
  ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
                  valid.len > 0 ? errhint("Valid options in this context are: %s.", valid.data)
                                : errhint("There are no valid options in this context.")));
}

void validate(Datum options, Oid catalog) {
  ListCell* cell;
  foreach (cell, untransformRelOptions(options)) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    const OptionRule* rule = find_rule(option->defname, catalog);
    if (rule == nullptr) {
      refuse_unknown(option->defname, catalog);
    } else {
      check_value(*rule, defGetString(option));
    }
  }
}

const char* find_text(List* options, const char* name, const char* fallback) {
  ListCell* cell;
  foreach (cell, options) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    if (std::strcmp(option->defname, name) == 0) return defGetString(option);
  }
  return fallback;
}

}  // namespace

const char* connection_of(const ForeignServer* server) {
  const char* connection = find_text(server->options, "connection", nullptr);
  if (connection == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
                    errmsg("server \"%s\" has no connection", server->servername),
                    errhint("Servers are made by lakehouse.connect_databricks().")));
  }
  return connection;
}

TableOptions read_table_options(Oid relation) {
  const ForeignTable* table = GetForeignTable(relation);
  const ForeignServer* server = GetForeignServer(table->serverid);
  TableOptions options{};
  options.connection = connection_of(server);
  options.catalog = find_text(table->options, "catalog", nullptr);
  options.schema = find_text(table->options, "schema", nullptr);
  options.table_name = find_text(table->options, "table_name", nullptr);
  if (options.table_name == nullptr) options.table_name = get_rel_name(relation);
  const char* window = find_text(server->options, "fetch_window", nullptr);
  options.fetch_window_bytes = window == nullptr ? 0 : parse_bytes("fetch_window", window);
  const char* startup = find_text(server->options, "fdw_startup_cost", nullptr);
  options.startup_cost =
      startup == nullptr ? kStartupCost : parse_cost("fdw_startup_cost", startup);
  const char* tuple = find_text(server->options, "fdw_tuple_cost", nullptr);
  options.tuple_cost = tuple == nullptr ? kTupleCost : parse_cost("fdw_tuple_cost", tuple);
  return options;
}

}  // namespace lakehouse::fdw

// validate_options(options text[], catalog oid): called by CREATE and ALTER of every object with
// options.
LAKEHOUSE_SQL_FUNCTION(lakehouse_validate_options) {
  lakehouse::fdw::validate(PG_GETARG_DATUM(0), PG_GETARG_OID(1));
  PG_RETURN_VOID();
}
