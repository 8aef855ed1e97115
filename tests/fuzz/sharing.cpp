// SPDX-License-Identifier: PostgreSQL
// What recipients send to Delta Sharing: bodies of queries, predicates, timestamps, capabilities.
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.hpp"
#include "worker/sharing/capabilities.hpp"
#include "worker/sharing/literal.hpp"
#include "worker/sharing/predicate.hpp"
#include "worker/sharing/query_request.hpp"
#include "worker/sharing/timestamp.hpp"

namespace lakehouse::worker::sharing {
namespace {

using fuzz::require;

constexpr std::string_view kSchema =
    R"({"type":"struct","fields":[{"name":"id","type":"long"},{"name":"name","type":"string"}]})";
// One row, 5 and "m": what holds for it must keep the file.
constexpr std::string_view kStatistics =
    R"({"numRecords":1,"minValues":{"id":5,"name":"m"},"maxValues":{"id":5,"name":"m"},)"
    R"("nullCount":{"id":0,"name":0}})";

bool keeps(const Predicate& predicate) {
  return may_match(predicate, ColumnTypes::parse(kSchema), *json::parse(kStatistics));
}

// Of a predicate and its contrary one must keep the file, unless both are null.
void check_predicate(const std::optional<Predicate>& predicate) {
  if (!predicate) return;
  const Predicate contrary{Predicate::Kind::kNot, {*predicate}, {}, {}};
  require(keeps(*predicate) || keeps(contrary), "a row without nulls makes a hint true or false");
  const Predicate either{Predicate::Kind::kOr, {*predicate, contrary}, {}, {}};
  require(keeps(either), "one of a hint and its contrary holds");
}

void check_body(std::string_view text) {
  auto parsed = QueryRequest::parse(text);
  if (const auto* refused = refusal_of(parsed)) {
    return require(refused->status == 400, "a body is refused with 400");
  }
  const auto& request = std::get<QueryRequest>(parsed);
  require(!request.version || *request.version >= 0, "a version is no negative number");
  require(!request.version || !request.timestamp_us, "version and timestamp exclude each other");
  require(!request.max_files || *request.max_files > 0, "a page has a file");
  for (const std::string& hint : request.predicate_hints) {
    check_predicate(parse_sql_predicate(hint));
  }
  check_predicate(parse_json_predicate(request.json_predicate_hints));
}

void check_numbers(std::string_view text) {
  const std::size_t half = text.size() / 2;
  const std::string_view left = text.substr(0, half), right = text.substr(half);
  const auto order = compare_numbers(left, right), turned = compare_numbers(right, left);
  require((order < 0) == (turned > 0) && (order == 0) == (turned == 0), "an order has two sides");
}

void check_capabilities(std::string_view text) {
  http::Request request;
  request.headers.push_back({"delta-sharing-capabilities", std::string(text)});
  auto read = read_capabilities(request);
  if (const auto* refused = refusal_of(read)) {
    require(refused->status == 400, "capabilities are refused with 400");
  }
}

}  // namespace
}  // namespace lakehouse::worker::sharing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lakehouse::worker::sharing;  // NOLINT: the entry stands outside
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_body(text);
  check_predicate(parse_sql_predicate(text));
  check_predicate(parse_json_predicate(text));
  check_numbers(text);
  check_capabilities(text);
  if (const auto time = parse_timestamp(text)) {
    lakehouse::fuzz::require(text.size() >= 20, "a timestamp has a date, a time and a zone");
  }
  return 0;
}
