// SPDX-License-Identifier: PostgreSQL
// An array of atomics; nothing to lock.
#include "extension/guard/counters.hpp"

#include "extension/border/border.hpp"

namespace lakehouse::guard {
namespace {

struct Counters {
  pg_atomic_uint64 passed;
  pg_atomic_uint64 refused[kCodeCount];
};

// Process-wide by nature: hooks and shared memory are.
shmem_request_hook_type previous_request;
shmem_startup_hook_type previous_startup;
Counters* counters;

void request_memory() {
  if (previous_request != nullptr) previous_request();
  RequestAddinShmemSpace(MAXALIGN(sizeof(Counters)));
}

void start_memory() {
  if (previous_startup != nullptr) previous_startup();
  bool is_found = false;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  counters = static_cast<Counters*>(
      ShmemInitStruct("lakehouse guard counters", sizeof(Counters), &is_found));
  if (!is_found) {
    pg_atomic_init_u64(&counters->passed, 0);
    for (pg_atomic_uint64& refused : counters->refused) pg_atomic_init_u64(&refused, 0);
  }
  LWLockRelease(AddinShmemInitLock);
}

void put_row(ReturnSetInfo* result, const char* verdict, std::uint64_t count) {
  Datum values[] = {CStringGetTextDatum(verdict), Int64GetDatum(static_cast<std::int64_t>(count))};
  bool nulls[] = {false, false};
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

}  // namespace

void request_counters() {
  previous_request = shmem_request_hook;
  shmem_request_hook = request_memory;
  previous_startup = shmem_startup_hook;
  shmem_startup_hook = start_memory;
}

void count_refusal(Code code) {
  if (counters != nullptr)
    pg_atomic_fetch_add_u64(&counters->refused[static_cast<std::size_t>(code)], 1);
}

void count_passed() {
  if (counters != nullptr) pg_atomic_fetch_add_u64(&counters->passed, 1);
}

}  // namespace lakehouse::guard

LAKEHOUSE_SQL_FUNCTION(lakehouse_guard_counters) {
  using namespace lakehouse;
  border::call([&] {
    InitMaterializedSRF(fcinfo, 0);
    auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    if (guard::counters == nullptr) return;
    guard::put_row(result, "PASSED", pg_atomic_read_u64(&guard::counters->passed));
    for (std::size_t i = 0; i < guard::kCodeCount; ++i) {
      guard::put_row(result, guard::facts_of(static_cast<guard::Code>(i)).name,
                     pg_atomic_read_u64(&guard::counters->refused[i]));
    }
  });
  return Datum{0};
}
