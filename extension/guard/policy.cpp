// SPDX-License-Identifier: PostgreSQL
// Policies are rows: read by one query, as a superuser, with the newest snapshot and a pinned
// search_path.
#include "extension/guard/policy.hpp"

#include "extension/border/border.hpp"
#include "extension/fdw/scan.hpp"
#include "extension/guard/lookup.hpp"
#include "extension/guard/refusal.hpp"

namespace lakehouse::guard {
namespace {

// A foreign table of ours: its tenant, and its data source if there is one. Any other table:
// whether it is one of a tenant's CRM, and no integration table.
// Process-wide by nature: plans are kept per session.
LookupQuery read_policy = {
    "SELECT c.relkind = 'f' AS is_foreign, t.slug, d.epoch, d.columns, d.column_numbers, "
    "d.row_filter, d.max_rows, d.max_bytes, "
    "c.relkind IN ('r', 'p') AND s.id IS NOT NULL AND NOT EXISTS "
    "(SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent "
    "WHERE i.inhrelid = c.oid AND p.relnamespace = 'lakehouse'::regnamespace) AS is_crm, t.id AS "
    "tenant_id, d.filter_column_numbers "
    "FROM pg_class c "
    "LEFT JOIN lakehouse.tenants s ON s.slug = c.relnamespace::regnamespace::text "
    "LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid "
    "LEFT JOIN pg_foreign_server v ON v.oid = f.ftserver "
    "LEFT JOIN lakehouse.warehouse_connections w "
    "ON v.srvoptions @> ARRAY['connection=' || w.id] "
    "LEFT JOIN lakehouse.tenants t ON t.id = w.tenant_id "
    "LEFT JOIN lakehouse.data_sources d ON d.relation = c.oid AND d.tenant_id = t.id "
    "WHERE c.oid = $1",
    nullptr};

LookupQuery read_tenant_of_role = {
    "SELECT t.id FROM lakehouse.tenants t JOIN pg_roles r ON r.rolname IN "
    "(t.slug || '_agent', t.slug || '_admin', t.slug || '_member', t.slug || '_readonly') "
    "WHERE pg_has_role($1, r.oid, 'MEMBER') ORDER BY t.id",
    nullptr};

enum Field {
  kIsForeign = 1,
  kSlug,
  kEpoch,
  kColumns,
  kNumbers,
  kFilter,
  kMaxRows,
  kMaxBytes,
  kIsCrm,
  kTenantId,
  kFilterNumbers
};

// Process-wide by nature: the server's caches are.
HTAB* policies;

void forget_policy(Datum, Oid relation) {
  HASH_SEQ_STATUS status;
  hash_seq_init(&status, policies);
  while (auto* policy = static_cast<Policy*>(hash_seq_search(&status))) {
    if (!OidIsValid(relation) || policy->relation == relation) policy->is_loaded = false;
  }
}

// The current row of SPI's answer.
Datum field(Field number, bool& is_null) {
  return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, &is_null);
}

bool flag(Field number) {
  bool is_null = false;
  const Datum value = field(number, is_null);
  return !is_null && DatumGetBool(value);
}

std::int64_t number(Field which) {
  bool is_null = false;
  const Datum value = field(which, is_null);
  return is_null ? 0 : DatumGetInt64(value);
}

char* string(Field which) {
  bool is_null = false;
  const Datum value = field(which, is_null);
  return is_null ? nullptr : TextDatumGetCString(value);
}

// A column counts only while both its number and its name are those that were exposed.
void add_column(Policy* policy, const char* name, AttrNumber attribute) {
  if (get_attnum(policy->relation, name) == attribute && attribute > 0) {
    policy->columns =
        bms_add_member(policy->columns, attribute - FirstLowInvalidHeapAttributeNumber);
  }
}

void read_columns(Policy* policy) {
  bool is_null = false;
  Datum *names = nullptr, *numbers = nullptr;
  int name_count = 0, number_count = 0;
  deconstruct_array(DatumGetArrayTypeP(field(kColumns, is_null)), TEXTOID, -1, false, TYPALIGN_INT,
                    &names, nullptr, &name_count);
  deconstruct_array(DatumGetArrayTypeP(field(kNumbers, is_null)), INT2OID, 2, true, TYPALIGN_SHORT,
                    &numbers, nullptr, &number_count);
  MemoryContext caller = MemoryContextSwitchTo(policy->memory);
  for (int i = 0; i < name_count && i < number_count; ++i) {
    add_column(policy, TextDatumGetCString(names[i]), DatumGetInt16(numbers[i]));
  }
  MemoryContextSwitchTo(caller);
}

// Another column may have got the name of one that the filter was written for.
bool has_own_columns(List* filter) {
  bool is_null = false;
  const Datum numbers = field(kFilterNumbers, is_null);
  return !is_null && datumIsEqual(PointerGetDatum(number_filter_columns(filter)),
                                  PointerGetDatum(DatumGetArrayTypePCopy(numbers)), false, -1);
}

void read_filter(Policy* policy, const char* text) {
  Relation relation = table_open(policy->relation, AccessShareLock);
  List* filter = parse_row_filter(relation, text);
  table_close(relation, AccessShareLock);
  if (!has_own_columns(filter))
    elog(ERROR, "the row filter's columns are not those it was set for");
  MemoryContext caller = MemoryContextSwitchTo(policy->memory);
  policy->filter = static_cast<List*>(copyObjectImpl(filter));
  MemoryContextSwitchTo(caller);
}

struct FilterText {
  Policy* policy;
  const char* text;
};

// Not refused here, where the superuser reads: it is the caller's refusal.
void try_filter(Policy* policy, const char* text) {
  FilterText filter{policy, text};
  ErrorData* error = border::run_guarded(
      [](void* argument) {
        const auto* given = static_cast<FilterText*>(argument);
        read_filter(given->policy, given->text);
      },
      &filter);
  policy->is_unfit = error != nullptr;
}

void read_row(Policy* policy) {
  if (!flag(kIsForeign)) {
    policy->kind = flag(kIsCrm) ? RelationKind::kCrm : RelationKind::kOther;
    return;
  }
  policy->kind = RelationKind::kGoverned;
  if (const char* slug = string(kSlug)) {
    bool is_null = false;
    policy->has_tenant = true;
    policy->tenant = *DatumGetUUIDP(field(kTenantId, is_null));
    policy->admin_role = get_role_oid(psprintf("%s_admin", slug), true);
  }
  policy->epoch = number(kEpoch);
  policy->is_exposed = policy->epoch != 0;
  if (!policy->is_exposed) return;
  policy->max_rows = number(kMaxRows);
  policy->max_bytes = number(kMaxBytes);
  read_columns(policy);
  if (const char* text = string(kFilter)) try_filter(policy, text);
}

void clear(Policy* policy, Oid relation) {
  if (policy->memory != nullptr) MemoryContextDelete(policy->memory);
  *policy = Policy{};
  policy->relation = relation;
  policy->memory =
      AllocSetContextCreate(CacheMemoryContext, "lakehouse policy", ALLOCSET_SMALL_SIZES);
}

// The owner's mistake, not the reader's: the table stays closed until the filter is set anew.
[[noreturn]] void refuse_unfit_filter(const Policy* policy) {
  refuse({Code::kTableNotAllowListed, "table", get_rel_name(policy->relation),
          "Its row filter no longer fits it.",
          "The tenant's admin can set the policy anew with lakehouse.expose()."});
}

// What can only be a table of another's is known without a query.
bool needs_no_query(Oid relation, char kind) {
  if (kind == RELKIND_FOREIGN_TABLE) return !is_our_foreign_table(relation);
  return relation < FirstNormalObjectId ||
         (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE);
}

void load(Policy* policy, Oid relation) {
  clear(policy, relation);
  // Set first: an invalidation that arrives while we read must not be lost.
  policy->is_loaded = true;
  if (needs_no_query(relation, get_rel_relkind(relation))) return;
  ErrorData* error = look_up(
      {&read_policy, relation, [](void* row) { read_row(static_cast<Policy*>(row)); }, policy});
  if (error == nullptr) return;
  policy->is_loaded = false;
  ReThrowError(error);
}

}  // namespace

bool is_our_foreign_table(Oid relation) {
  const ForeignServer* server = GetForeignServer(GetForeignTable(relation)->serverid);
  const ForeignDataWrapper* wrapper = GetForeignDataWrapper(server->fdwid);
  return OidIsValid(wrapper->fdwhandler) &&
         GetFdwRoutine(wrapper->fdwhandler)->BeginForeignScan == fdw::begin_scan;
}

const Policy* find_policy(Oid relation) {
  bool is_found = false;
  auto* policy = static_cast<Policy*>(hash_search(policies, &relation, HASH_ENTER, &is_found));
  if (!is_found) {
    *policy = Policy{};
    policy->relation = relation;
  }
  while (!policy->is_loaded) load(policy, relation);
  if (policy->is_unfit) refuse_unfit_filter(policy);
  return policy;
}

bool find_tenant_of_role(Oid role, pg_uuid_t& tenant) {
  // Process-wide by nature: a session seldom changes its role.
  static Oid known_role;
  static bool has_tenant;
  static pg_uuid_t known_tenant;
  if (known_role != role) {
    has_tenant = false;
    ErrorData* error = look_up({&read_tenant_of_role, role,
                                [](void*) {
                                  bool is_null = false;
                                  known_tenant = *DatumGetUUIDP(SPI_getbinval(
                                      SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
                                  has_tenant = true;
                                },
                                nullptr});
    if (error != nullptr) ReThrowError(error);
    known_role = role;
  }
  tenant = known_tenant;
  return has_tenant;
}

void install_policy_cache() {
  HASHCTL control{};
  control.keysize = sizeof(Oid);
  control.entrysize = sizeof(Policy);
  control.hcxt = TopMemoryContext;
  policies = hash_create("lakehouse policies", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  CacheRegisterRelcacheCallback(forget_policy, Datum{0});
}

}  // namespace lakehouse::guard
