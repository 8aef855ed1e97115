// SPDX-License-Identifier: PostgreSQL
// By policy and privilege; never by what a query says.
#include "extension/guard/columns.hpp"

namespace lakehouse::guard {
namespace {

// Of a hint, in bytes: who has hundreds of columns needs another way to learn of them.
constexpr int kMaxListed = 1000;

bool is_there(Oid relation, AttrNumber column) {
  return OidIsValid(get_atttype(relation, column));  // none: dropped
}

int columns_of(Oid relation) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) return 0;
  const int count = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relnatts;
  ReleaseSysCache(tuple);
  return count;
}

}  // namespace

bool is_shown(const Policy* policy, AttrNumber column) {
  if (policy->kind == RelationKind::kGoverned)
    return bms_is_member(column - FirstLowInvalidHeapAttributeNumber, policy->columns);
  return pg_class_aclcheck(policy->relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
         pg_attribute_aclcheck(policy->relation, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

List* shown_columns(const Policy* policy) {
  List* names = NIL;
  for (int column = 1; column <= columns_of(policy->relation); ++column) {
    const auto number = static_cast<AttrNumber>(column);
    if (is_there(policy->relation, number) && is_shown(policy, number))
      names = lappend(names, makeString(get_attname(policy->relation, number, false)));
  }
  return names;
}

bool has_hidden_columns(const Policy* policy) {
  for (int column = 1; column <= columns_of(policy->relation); ++column) {
    const auto number = static_cast<AttrNumber>(column);
    if (is_there(policy->relation, number) && !is_shown(policy, number)) return true;
  }
  return false;
}

char* describe_columns(const Policy* policy, const char* name) {
  StringInfoData text;
  initStringInfo(&text);
  appendStringInfo(&text, "%s has ", name);
  const char* separator = "";
  ListCell* cell;
  foreach (cell, shown_columns(policy)) {
    if (text.len > kMaxListed) {
      appendStringInfoString(&text, " and more");
      break;
    }
    appendStringInfo(&text, "%s%s", separator, quote_identifier(strVal(lfirst(cell))));
    separator = ", ";
  }
  appendStringInfoChar(&text, '.');
  return text.data;
}

}  // namespace lakehouse::guard
