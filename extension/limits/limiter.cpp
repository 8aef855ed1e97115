// SPDX-License-Identifier: PostgreSQL
// GCRA: of a bucket one number is kept, the time at which it will be full. A token moves it one
// interval ahead; there is a token as long as it is no further ahead than the bucket is deep.
#include "extension/limits/limiter.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

namespace lakehouse::limits {
namespace {

// Partitions of either half; a lock and a table each.
constexpr unsigned kPartitionsOfHalf = 8;
constexpr unsigned kPartitions = 2 * kPartitionsOfHalf;
constexpr long kKeysOfPartition = 8192;  // 131,072 in all, in 8 MB
// A full partition is searched for idle keys at most this often: the search reads all of it.
constexpr std::int64_t kSearchPause = 10'000'000;
// The least that a key without a place is told to wait.
constexpr std::int64_t kLeastWaitForPlace = 1'000'000'000;
const char kTranche[] = "lakehouse limits";

struct Key {
  std::uint64_t high, low;
};

struct Bucket {
  Key key;
  std::int64_t full_at;
};

// In shared memory: until when a full partition is not searched for idle keys.
struct Fullness {
  std::int64_t until[kPartitions];
};

// Process-wide by nature: shared memory and hooks are.
shmem_request_hook_type previous_request;
shmem_startup_hook_type previous_startup;
HTAB* tables[kPartitions];
LWLockPadded* locks;
Fullness* fullness;

uint32 hash_of(const void* key, Size) {
  return static_cast<uint32>(static_cast<const Key*>(key)->high);
}

unsigned partition_of(const KeyHash& key) {
  return static_cast<unsigned>(key.low % kPartitionsOfHalf) +
         (key.is_of_rows ? 0 : kPartitionsOfHalf);
}

std::int64_t now_ns() {
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) elog(ERROR, "no clock: %m");
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void request() {
  if (previous_request != nullptr) previous_request();
  for (unsigned i = 0; i < kPartitions; ++i)
    RequestAddinShmemSpace(hash_estimate_size(kKeysOfPartition, sizeof(Bucket)));
  RequestAddinShmemSpace(MAXALIGN(sizeof(Fullness)));
  RequestNamedLWLockTranche(kTranche, kPartitions);
}

HTAB* open_table(unsigned partition) {
  HASHCTL control{};
  control.keysize = sizeof(Key);
  control.entrysize = sizeof(Bucket);
  control.hash = hash_of;
  return ShmemInitHash(psprintf("lakehouse limits %u", partition), kKeysOfPartition,
                       kKeysOfPartition, &control, HASH_ELEM | HASH_FUNCTION | HASH_FIXED_SIZE);
}

void start() {
  if (previous_startup != nullptr) previous_startup();
  bool is_found = false;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  for (unsigned i = 0; i < kPartitions; ++i) tables[i] = open_table(i);
  fullness = static_cast<Fullness*>(ShmemInitStruct(kTranche, sizeof(Fullness), &is_found));
  if (!is_found) *fullness = Fullness{};
  LWLockRelease(AddinShmemInitLock);
  locks = GetNamedLWLockTranche(kTranche);
}

// The partitions that the demands need, once each, in their order: so nobody waits in a circle.
struct Partitions {
  std::array<unsigned, kMostDemands> numbers;
  int count;
};

Partitions partitions_of(std::span<const Demand> demands) {
  Partitions needed{};
  for (const Demand& demand : demands) needed.numbers[needed.count++] = partition_of(demand.key);
  auto* end = needed.numbers.begin() + needed.count;
  std::sort(needed.numbers.begin(), end);
  needed.count =
      static_cast<int>(std::unique(needed.numbers.begin(), end) - needed.numbers.begin());
  return needed;
}

void lock(const Partitions& needed, LWLockMode mode) {
  for (int i = 0; i < needed.count; ++i) LWLockAcquire(&locks[needed.numbers[i]].lock, mode);
}

void unlock(const Partitions& needed) {
  for (int i = needed.count; i-- > 0;) LWLockRelease(&locks[needed.numbers[i]].lock);
}

Bucket* find(const KeyHash& hash, HASHACTION action) {
  const Key key{hash.high, hash.low};
  return static_cast<Bucket*>(hash_search(tables[partition_of(hash)], &key, action, nullptr));
}

// When the bucket is full: now, if it is already.
std::int64_t full_at(const Demand& demand, std::int64_t now) {
  const Bucket* bucket = find(demand.key, HASH_FIND);
  return bucket == nullptr ? now : std::max(bucket->full_at, now);
}

std::int64_t wait_for_tokens(std::span<const Demand> demands, std::int64_t now) {
  std::int64_t wait = 0;
  for (const Demand& demand : demands)
    wait = std::max(wait, full_at(demand, now) - now - demand.depth_ns);
  return wait;
}

// Throws out every idle key of the partition. Where there was none, the first that falls idle tells
// until when a search is in vain: no other key can come in before.
void remove_idle(unsigned partition, std::int64_t now) {
  HASH_SEQ_STATUS status;
  std::int64_t next = PG_INT64_MAX;
  bool is_any_removed = false;
  hash_seq_init(&status, tables[partition]);
  while (auto* bucket = static_cast<Bucket*>(hash_seq_search(&status))) {
    if (bucket->full_at > now) {
      next = std::min(next, bucket->full_at);
    } else {
      (void)hash_search(tables[partition], &bucket->key, HASH_REMOVE, nullptr);
      is_any_removed = true;
    }
  }
  const std::int64_t pause_end = now + kSearchPause;
  fullness->until[partition] = is_any_removed ? pause_end : std::max(next, pause_end);
}

Bucket* find_place(const Demand& demand, std::int64_t now) {
  Bucket* bucket = find(demand.key, HASH_ENTER_NULL);
  const unsigned partition = partition_of(demand.key);
  if (bucket != nullptr || fullness->until[partition] > now) return bucket;
  remove_idle(partition, now);
  return find(demand.key, HASH_ENTER_NULL);
}

// Gives each key a place, so that none is left without one when tokens are taken. 0, or how long
// the partition that has none will have none.
std::int64_t wait_for_places(std::span<const Demand> demands, std::int64_t now) {
  for (const Demand& demand : demands) {
    Bucket* bucket = find(demand.key, HASH_FIND);
    const std::int64_t full_at = bucket == nullptr ? now : bucket->full_at;
    if (bucket == nullptr) bucket = find_place(demand, now);
    if (bucket == nullptr)
      return std::max(fullness->until[partition_of(demand.key)] - now, kLeastWaitForPlace);
    // Not idle: the search for the next key's place must not take it.
    bucket->full_at = std::max(full_at, now + 1);
  }
  return 0;
}

std::int64_t take_locked(std::span<const Demand> demands, std::int64_t now) {
  const std::int64_t wait = wait_for_tokens(demands, now);
  if (wait > 0) return wait;
  if (const std::int64_t pause = wait_for_places(demands, now); pause > 0) return pause;
  for (const Demand& demand : demands) find(demand.key, HASH_FIND)->full_at += demand.interval_ns;
  return 0;
}

}  // namespace

KeyHash hash_key(const char* text, std::size_t size) {
  std::uint8_t digest[PG_SHA256_DIGEST_LENGTH];
  pg_cryptohash_ctx* context = pg_cryptohash_create(PG_SHA256);
  if (pg_cryptohash_init(context) < 0 ||
      pg_cryptohash_update(context, reinterpret_cast<const std::uint8_t*>(text), size) < 0 ||
      pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
    elog(ERROR, "could not hash a key: %s", pg_cryptohash_error(context));
  pg_cryptohash_free(context);
  const auto starts_with = [&](const char* prefix) {
    const std::size_t length = std::strlen(prefix);
    return size >= length && std::memcmp(text, prefix, length) == 0;
  };
  KeyHash hash{0, 0, starts_with("client:") || starts_with("tenant:")};
  std::memcpy(&hash.high, digest, sizeof(hash.high));
  std::memcpy(&hash.low, digest + sizeof(hash.high), sizeof(hash.low));
  return hash;
}

std::int64_t take(std::span<const Demand> demands) {
  const Partitions needed = partitions_of(demands);
  lock(needed, LW_EXCLUSIVE);
  const std::int64_t wait = take_locked(demands, now_ns());
  unlock(needed);
  return wait;
}

std::int64_t wait_of(std::span<const Demand> demands) {
  const Partitions needed = partitions_of(demands);
  lock(needed, LW_SHARED);
  const std::int64_t wait = wait_for_tokens(demands, now_ns());
  unlock(needed);
  return wait;
}

void give_back(std::span<const Demand> demands) {
  const Partitions needed = partitions_of(demands);
  lock(needed, LW_EXCLUSIVE);
  for (const Demand& demand : demands) {
    if (Bucket* bucket = find(demand.key, HASH_FIND)) bucket->full_at -= demand.interval_ns;
  }
  unlock(needed);
}

bool is_ready() { return locks != nullptr; }

void request_memory() {
  previous_request = shmem_request_hook;
  shmem_request_hook = request;
  previous_startup = shmem_startup_hook;
  shmem_startup_hook = start;
}

}  // namespace lakehouse::limits
