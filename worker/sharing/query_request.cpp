// SPDX-License-Identifier: PostgreSQL
// Member by member; the first that does not fit is the answer.
#include "worker/sharing/query_request.hpp"

#include "worker/json/value.hpp"
#include "worker/sharing/parameters.hpp"
#include "worker/sharing/timestamp.hpp"

namespace lakehouse::worker::sharing {
namespace {

using Kind = json::Value::Kind;

constexpr std::size_t kMostDepth = 16;  // hints in JSON are a text

// Reads members, and keeps the first complaint.
class Members {
 public:
  explicit Members(const json::Value& body) : body_(body) {}

  std::optional<std::int64_t> number(std::string_view name) {
    const json::Value* value = find(name);
    if (value == nullptr) return std::nullopt;
    const auto number = value->is(Kind::kInteger) ? parse_count(value->text) : std::nullopt;
    if (!number) complain(std::string(name) + " must be a whole number from 0 on");
    return number;
  }

  std::string text(std::string_view name) {
    const json::Value* value = find(name);
    if (value == nullptr) return {};
    if (value->is(Kind::kString)) return value->text;
    complain(std::string(name) + " must be a string");
    return {};
  }

  bool flag(std::string_view name) {
    const json::Value* value = find(name);
    if (value == nullptr) return false;
    if (!value->is(Kind::kBoolean)) complain(std::string(name) + " must be true or false");
    return value->text == "true";
  }

  std::optional<std::int64_t> time(std::string_view name) {
    const std::string value = text(name);
    if (value.empty()) return std::nullopt;
    const auto time = parse_timestamp(value);
    if (!time) complain(std::string(name) + " must look like 2026-01-01T00:00:00Z");
    return time;
  }

  const json::Value* find(std::string_view name) const {
    const json::Value* value = body_.find(name);
    return value == nullptr || value->is(Kind::kNull) ? nullptr : value;
  }

  void complain(std::string text) {
    if (complaint_.empty()) complaint_ = std::move(text);
  }
  const std::string& complaint() const { return complaint_; }

 private:
  const json::Value& body_;
  std::string complaint_;
};

void read_hints(const Members& members, QueryRequest& request) {
  if (const json::Value* hints = members.find("predicateHints");
      hints != nullptr && hints->is(Kind::kArray)) {
    for (const json::Member& hint : hints->members) {
      if (hint.value.is(Kind::kString)) request.predicate_hints.push_back(hint.value.text);
    }
  }
  const json::Value* hint = members.find("jsonPredicateHints");
  if (hint != nullptr && hint->is(Kind::kString)) request.json_predicate_hints = hint->text;
  const json::Value* limit = members.find("limitHint");
  if (limit != nullptr && limit->is(Kind::kInteger)) request.limit = parse_count(limit->text);
  // What the client for Go sends when it wants no limit. Who wants no row needn't ask.
  if (request.limit == 0) request.limit.reset();
}

void check_together(const QueryRequest& request, Members& members) {
  const bool is_pinned = !request.refresh_token.empty();
  if (request.version && request.timestamp_us) {
    members.complain("version and timestamp can't be given both");
  }
  const bool is_travel = request.version || request.timestamp_us;
  if (request.starting_version && is_travel) {
    members.complain("startingVersion can't be given with version or timestamp");
  }
  if (request.ending_version && !request.starting_version) {
    members.complain("endingVersion needs startingVersion");
  }
  if (is_pinned && (is_travel || request.starting_version)) {
    members.complain("refreshToken is for the newest version only");
  }
  if (request.wants_refresh_token && (is_travel || request.starting_version)) {
    members.complain("includeRefreshToken is for the newest version only");
  }
  if (request.max_files == 0) members.complain("maxFiles must be 1 or more");
  if (request.starting_version && request.ending_version &&
      *request.ending_version < *request.starting_version) {
    members.complain("endingVersion must not be before startingVersion");
  }
}

}  // namespace

Or<QueryRequest> QueryRequest::parse(std::string_view body) {
  QueryRequest request;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return request;
  const auto parsed = json::parse(body, kMostDepth);
  if (!parsed || !parsed->is(Kind::kObject)) return malformed("the body must be a JSON object");
  Members members(*parsed);
  read_hints(members, request);
  request.version = members.number("version");
  request.starting_version = members.number("startingVersion");
  request.ending_version = members.number("endingVersion");
  request.max_files = members.number("maxFiles");
  request.timestamp_us = members.time("timestamp");
  request.page_token = members.text("pageToken");
  request.refresh_token = members.text("refreshToken");
  request.wants_refresh_token = members.flag("includeRefreshToken");
  request.wants_historical_protocol = members.flag("includeHistoricalProtocol");
  check_together(request, members);
  if (!members.complaint().empty()) return invalid_value(members.complaint());
  return request;
}

}  // namespace lakehouse::worker::sharing
