// SPDX-License-Identifier: PostgreSQL
// The stamp is one more entry, the last, in the plan's range table: the only part of a plan that
// copying, caching and sending keep and the executor does not look at. A secret of the session's
// own tells it from what a query could write.
#include "extension/guard/stamp.hpp"

#include <cstdio>
#include <cstring>

#include "extension/guard/policy.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

const char kStampName[] = "lakehouse guard";

const char* session_secret() {
  // Process-wide by nature: plans are cached per session.
  static char secret[2 * sizeof(std::uint64_t) * 2 + 1];
  if (secret[0] != '\0') return secret;
  std::uint64_t parts[2];
  if (!pg_strong_random(parts, sizeof(parts))) elog(ERROR, "no randomness for the guard");
  std::snprintf(secret, sizeof(secret), "%016llx%016llx", static_cast<unsigned long long>(parts[0]),
                static_cast<unsigned long long>(parts[1]));
  return secret;
}

char* describe_holder(Strength strength) {
  return psprintf("%s %u %d", session_secret(), GetUserId(), static_cast<int>(strength));
}

char* describe_relation(Oid relation) {
  return psprintf("%u " INT64_FORMAT, relation, find_policy(relation)->epoch);
}

// No relation's line begins so, and a stamp has at most one.
const char kToolLine[] = "tool ";

const List* find_stamp(const PlannedStmt* plan) {
  if (plan->rtable == NIL) return nullptr;
  const auto* entry = static_cast<RangeTblEntry*>(llast(plan->rtable));
  if (entry->rtekind != RTE_RESULT || entry->eref == nullptr ||
      std::strcmp(entry->eref->aliasname, kStampName) != 0)
    return nullptr;
  return entry->eref->colnames;
}

bool has_line(const List* stamp, const char* line) {
  ListCell* cell;
  foreach (cell, stamp) {
    if (std::strcmp(strVal(lfirst(cell)), line) == 0) return true;
  }
  return false;
}

bool is_current(const List* stamp, const List* relations, Strength strength) {
  if (stamp == nullptr || std::strcmp(strVal(linitial(stamp)), describe_holder(strength)) != 0)
    return false;
  ListCell* cell;
  foreach (cell, relations) {
    if (!has_line(stamp, describe_relation(lfirst_oid(cell)))) return false;
  }
  return true;
}

}  // namespace

List* governed_relations(const PlannedStmt* plan) {
  List* relations = NIL;
  ListCell* cell;
  foreach (cell, plan->rtable) {
    const auto* entry = static_cast<RangeTblEntry*>(lfirst(cell));
    if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_FOREIGN_TABLE &&
        find_policy(entry->relid)->kind == RelationKind::kGoverned)
      relations = list_append_unique_oid(relations, entry->relid);
  }
  return relations;
}

Oid tool_of(const PlannedStmt* plan) {
  const List* stamp = find_stamp(plan);
  // Where the first line isn't ours, a query has made up the whole.
  if (stamp == nullptr ||
      std::strcmp(strVal(linitial(stamp)), describe_holder(Strength::kAgent)) != 0)
    return InvalidOid;
  const char* last = strVal(llast(stamp));
  if (std::strncmp(last, kToolLine, std::strlen(kToolLine)) != 0) return InvalidOid;
  return atooid(last + std::strlen(kToolLine));
}

void stamp_plan(PlannedStmt* plan, Strength strength, const List* relations, Oid tool) {
  auto* entry = makeNode(RangeTblEntry);
  List* lines = list_make1(makeString(describe_holder(strength)));
  ListCell* cell;
  foreach (cell, relations) lines = lappend(lines, makeString(describe_relation(lfirst_oid(cell))));
  if (OidIsValid(tool)) lines = lappend(lines, makeString(psprintf("%s%u", kToolLine, tool)));
  entry->rtekind = RTE_RESULT;
  entry->eref = makeAlias(kStampName, lines);
  plan->rtable = lappend(plan->rtable, entry);
}

List* check_stamp(const PlannedStmt* plan, Strength strength) {
  AcceptInvalidationMessages();
  List* relations = governed_relations(plan);
  const bool needs_none =
      strength == Strength::kNone || (strength == Strength::kGoverned && relations == NIL);
  if (needs_none || is_current(find_stamp(plan), relations, strength)) return relations;
  ResetPlanCache();
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("plan is out of date: the role or a policy has changed since it was made"),
                  errhint("Run the statement again; open the cursor again.")));
}

}  // namespace lakehouse::guard
