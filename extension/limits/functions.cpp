// SPDX-License-Identifier: PostgreSQL
// take_tokens(), tokens_wait() and return_tokens(): arrays of keys, rates and depths. C++ regime.
#include <array>
#include <cmath>

#include "extension/border/border.hpp"
#include "extension/limits/limiter.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::limits {
namespace {

constexpr double kMinute = 60e9;  // nanoseconds
// An interval between a microsecond and a bit less than seven days: nothing rounds away, and
// nothing overflows.
constexpr double kMostPerMinute = 6e7;
constexpr double kLeastPerMinute = 1e-4;
constexpr double kMostBurst = 1e6;
constexpr double kMostDepth = 1e18;

struct Demands {
  std::array<Demand, kMostDemands> items;
  int count;
  std::span<const Demand> view() const { return {items.data(), static_cast<std::size_t>(count)}; }
};

struct Items {
  Datum* values;
  int count;
};

[[noreturn]] void refuse(const char* message) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg_internal("%s", message)));
}

Items items_of(Datum array, Oid type, int length, bool is_by_value) {
  Items items{};
  bool* nulls = nullptr;
  ArrayType* given = DatumGetArrayTypeP(array);
  if (ARR_NDIM(given) > 1) refuse("keys, rates and bursts are arrays of one dimension");
  deconstruct_array(given, type, length, is_by_value, is_by_value ? TYPALIGN_DOUBLE : TYPALIGN_INT,
                    &items.values, &nulls, &items.count);
  for (int i = 0; i < items.count; ++i) {
    if (nulls[i]) refuse("a key, rate or burst is null");
  }
  return items;
}

Items numbers_of(Datum array) { return items_of(array, FLOAT8OID, 8, FLOAT8PASSBYVAL); }

Demand make_demand(Datum key, double per_minute, double burst) {
  if (!(per_minute >= kLeastPerMinute && per_minute <= kMostPerMinute))
    refuse("a rate must be between 0.0001 and 60000000 tokens a minute");
  if (!(burst >= 1 && burst <= kMostBurst)) refuse("a burst must be between 1 and 1000000 tokens");
  const double interval = std::ceil(kMinute / per_minute);
  const double depth = (burst - 1) * interval;
  if (depth > kMostDepth) refuse("a bucket must not take longer than thirty years to fill");
  text* name = DatumGetTextPP(key);
  return {hash_key(VARDATA_ANY(name), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(name))),
          static_cast<std::int64_t>(interval), static_cast<std::int64_t>(depth)};
}

void refuse_twice(const Demands& demands) {
  for (int i = 1; i < demands.count; ++i) {
    for (int j = 0; j < i; ++j) {
      if (demands.items[i].key.high == demands.items[j].key.high &&
          demands.items[i].key.low == demands.items[j].key.low)
        refuse("a key is given twice");
    }
  }
}

// Of the arguments keys, per_minute, burst; returning takes no burst.
Demands read_demands(FunctionCallInfo fcinfo) {
  if (!is_ready()) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("rate limits need shared memory"),
                    errhint("Add lakehouse to shared_preload_libraries and restart the server.")));
  }
  const bool has_burst = PG_NARGS() > 2;
  const Items keys = items_of(PG_GETARG_DATUM(0), TEXTOID, -1, false);
  const Items rates = numbers_of(PG_GETARG_DATUM(1));
  const Items bursts = has_burst ? numbers_of(PG_GETARG_DATUM(2)) : rates;
  if (keys.count != rates.count || keys.count != bursts.count)
    refuse("keys, rates and bursts must be equally many");
  if (keys.count > kMostDemands) refuse(psprintf("more than %d keys", kMostDemands));
  Demands demands{};
  for (int i = 0; i < keys.count; ++i) {
    demands.items[demands.count++] = make_demand(keys.values[i], DatumGetFloat8(rates.values[i]),
                                                 has_burst ? DatumGetFloat8(bursts.values[i]) : 1);
  }
  refuse_twice(demands);
  return demands;
}

// Rounded up, so that whoever waits that long has waited long enough.
Datum seconds(std::int64_t nanoseconds) {
  return Float8GetDatum(std::ceil(static_cast<double>(nanoseconds) / 1e3) / 1e6);
}

}  // namespace
}  // namespace lakehouse::limits

LAKEHOUSE_SQL_FUNCTION(lakehouse_take_tokens) {
  using namespace lakehouse;
  return border::call(
      [&] { return limits::seconds(limits::take(limits::read_demands(fcinfo).view())); });
}

LAKEHOUSE_SQL_FUNCTION(lakehouse_tokens_wait) {
  using namespace lakehouse;
  return border::call(
      [&] { return limits::seconds(limits::wait_of(limits::read_demands(fcinfo).view())); });
}

LAKEHOUSE_SQL_FUNCTION(lakehouse_return_tokens) {
  using namespace lakehouse;
  border::call([&] { limits::give_back(limits::read_demands(fcinfo).view()); });
  return Datum{0};
}
