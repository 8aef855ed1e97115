// SPDX-License-Identifier: PostgreSQL
// QueryRequest: the body of POST …/query, checked as far as it can be without the table.
// Source: Delta Sharing protocol, "Read Data from a Table".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/sharing/answer.hpp"

namespace lakehouse::worker::sharing {

struct QueryRequest {
  std::vector<std::string> predicate_hints;
  std::string json_predicate_hints;
  std::optional<std::int64_t> limit, version, starting_version, ending_version, max_files;
  std::optional<std::int64_t> timestamp_us;
  std::string page_token, refresh_token;
  bool wants_refresh_token = false;
  bool wants_historical_protocol = false;

  bool has_hints() const { return !predicate_hints.empty() || !json_predicate_hints.empty(); }

  // An empty body asks for everything. Hints that can't be used are dropped; other members of a
  // wrong kind are refused, as are those that exclude each other. Unknown ones are ignored,
  // idempotencyKey and idempotency_key among them: answers depend on nothing but the request.
  static Or<QueryRequest> parse(std::string_view body);
};

}  // namespace lakehouse::worker::sharing
