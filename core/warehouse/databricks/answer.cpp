// SPDX-License-Identifier: PostgreSQL
// simdjson's DOM, which validates the whole text, for the envelopes; On-Demand once more to find
// where rows lie.
#include "core/warehouse/databricks/answer.hpp"

#include <simdjson.h>

#include "core/warehouse/datetime.hpp"
#include "core/warehouse/excerpt.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

Error malformed(std::string_view what) {
  return {ErrorCode::kInvalidResponse, "remote service's answer is not understood",
          "The answer " + std::string(what) + ".",
          "Check that the workspace URL is a Databricks workspace."};
}

// Parser and document of one answer; `root` is valid while it lives.
class Document {
 public:
  Status parse(std::string& body) {
    body.reserve(body.size() + http::kBodyPadding);
    if (parser_.parse(body.data(), body.size(), false).get(root_) != simdjson::SUCCESS) {
      return malformed("is not well-formed JSON");
    }
    return root_.is_object() ? Status(kDone) : Status(malformed("is not a JSON object"));
  }
  element root() const { return root_; }

 private:
  simdjson::dom::parser parser_;
  element root_;
};

std::string text_of(element parent, std::string_view key) {
  std::string_view text;
  if (parent[key].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

// Counts come as numbers, from some services as text.
std::optional<std::uint64_t> count_of(element parent, std::string_view key) {
  std::uint64_t count = 0;
  if (parent[key].get(count) == simdjson::SUCCESS) return count;
  const std::string text = text_of(parent, key);
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return {};
  return std::stoull(text);
}

ChunkFacts facts_of(element chunk) {
  return {count_of(chunk, "row_offset"), count_of(chunk, "row_count"),
          count_of(chunk, "byte_count").value_or(0)};
}

RemoteFailure failure_of(element error) {
  RemoteFailure failure;
  failure.code = text_of(error, "error_code");
  if (const auto number = count_of(error, "error_code"); number)
    failure.code = std::to_string(*number);
  failure.message = text_of(error, "message");
  failure.sql_state = text_of(error, "sql_state");
  return failure;
}

std::vector<http::Header> headers_of(element link) {
  std::vector<http::Header> headers;
  object fields;
  if (link["http_headers"].get(fields) != simdjson::SUCCESS) return headers;
  for (const auto field : fields) {
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS)
      headers.push_back({std::string(field.key), std::string(value)});
  }
  return headers;
}

// Unix microseconds of "2021-06-15T12:34:56.789Z"; 0 if it is no such text.
std::int64_t unix_micros_of(const std::string& text) {
  constexpr std::int64_t kMicrosTo2000 = 946'684'800'000'000;
  std::int64_t micros = 0;
  return read_timestamp(text, micros) == CellFault::kNone ? micros + kMicrosTo2000 : 0;
}

// False if one has no address or index.
bool read_links(element part, std::vector<Link>& links) {
  array items;
  if (part["external_links"].get(items) != simdjson::SUCCESS) return true;
  for (const element item : items) {
    Link link;
    const auto index = count_of(item, "chunk_index");
    link.url = text_of(item, "external_link");
    if (!index || link.url.empty()) return false;
    link.chunk_index = *index;
    link.headers = headers_of(item);
    link.expires_at_us = unix_micros_of(text_of(item, "expiration"));
    link.facts = facts_of(item);
    links.push_back(std::move(link));
  }
  return true;
}

// Where the array stands in the text. The text is known to be valid JSON already.
template <typename Value>
bool locate(simdjson::simdjson_result<Value> rows, const std::string& body, ResultPart& part) {
  simdjson::ondemand::array found;
  std::string_view text;
  if (rows.get_array().get(found) != simdjson::SUCCESS ||
      found.raw_json().get(text) != simdjson::SUCCESS)
    return false;
  part.has_rows = true;
  part.rows_begin = static_cast<std::size_t>(text.data() - body.data());
  part.rows_size = text.size();
  return true;
}

bool locate_rows(const std::string& body, bool is_in_result, ResultPart& part) {
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  const simdjson::padded_string_view padded(body.data(), body.size(),
                                            body.size() + simdjson::SIMDJSON_PADDING);
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return false;
  return is_in_result ? locate(document["result"]["data_array"], body, part)
                      : locate(document["data_array"], body, part);
}

Result<ResultPart> part_of(element source, const std::string& body, bool is_in_result) {
  ResultPart part;
  part.chunk_index = count_of(source, "chunk_index").value_or(0);
  part.facts = facts_of(source);
  part.next_chunk_index = count_of(source, "next_chunk_index");
  if (!read_links(source, part.links))
    return malformed("has a link without an address or an index");
  array rows;
  if (source["data_array"].get(rows) == simdjson::SUCCESS &&
      !locate_rows(body, is_in_result, part)) {
    return malformed("has rows that can't be found");
  }
  return part;
}

std::vector<ResultColumn> columns_of(element schema) {
  std::vector<ResultColumn> columns;
  array items;
  if (schema["columns"].get(items) != simdjson::SUCCESS) return columns;
  for (const element item : items) {
    ResultColumn column{text_of(item, "name"), text_of(item, "type_text")};
    if (column.type_text.empty()) column.type_text = text_of(item, "type_name");
    if (const std::string range = text_of(item, "type_interval_type"); !range.empty())
      column.type_text = range;
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<ChunkFacts> chunks_of(element manifest) {
  constexpr std::uint64_t kMostChunks = 1'000'000;  // 20 TB; more is no description but an attack
  std::vector<ChunkFacts> chunks;
  array items;
  if (manifest["chunks"].get(items) != simdjson::SUCCESS) return chunks;
  for (const element item : items) {
    const std::uint64_t index = count_of(item, "chunk_index").value_or(chunks.size());
    if (index >= kMostChunks) continue;
    if (chunks.size() <= index) chunks.resize(index + 1);
    chunks[index] = facts_of(item);
  }
  return chunks;
}

Manifest manifest_of(element source) {
  Manifest manifest;
  manifest.format = text_of(source, "format");
  manifest.total_row_count = count_of(source, "total_row_count");
  manifest.total_chunk_count = count_of(source, "total_chunk_count");
  bool is_truncated = false;
  manifest.is_truncated =
      source["truncated"].get(is_truncated) == simdjson::SUCCESS && is_truncated;
  manifest.chunks = chunks_of(source);
  element schema;
  if (source["schema"].get(schema) == simdjson::SUCCESS) {
    manifest.columns = columns_of(schema);
    manifest.column_count = count_of(schema, "column_count");
  }
  return manifest;
}

std::optional<State> state_of(std::string_view name) {
  constexpr std::string_view kNames[] = {"PENDING", "RUNNING",  "SUCCEEDED",
                                         "FAILED",  "CANCELED", "CLOSED"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<State>(i);
  }
  return std::nullopt;
}

// One text field of an answer that has nothing else for us.
Result<std::string> parse_text(std::string& body, std::string_view key) {
  Document document;
  if (Status status = document.parse(body); !status) return std::move(status).error();
  std::string text = text_of(document.root(), key);
  if (text.empty()) return malformed("has no field \"" + std::string(key) + "\"");
  return text;
}

}  // namespace

Result<StatementAnswer> parse_statement(std::string& body) {
  Document document;
  if (Status parsed = document.parse(body); !parsed) return std::move(parsed).error();
  StatementAnswer answer;
  answer.id = text_of(document.root(), "statement_id");
  element status;
  if (document.root()["status"].get(status) != simdjson::SUCCESS) return malformed("has no status");
  const std::optional<State> state = state_of(text_of(status, "state"));
  if (!state || answer.id.empty()) return malformed("has no statement id or an unknown state");
  answer.state = *state;
  element error;
  if (status["error"].get(error) == simdjson::SUCCESS) answer.failure = failure_of(error);
  if (std::string sql_state = text_of(status, "sql_state"); !sql_state.empty()) {
    answer.failure.sql_state = std::move(sql_state);
  }
  element manifest;
  if (document.root()["manifest"].get(manifest) == simdjson::SUCCESS)
    answer.manifest = manifest_of(manifest);
  element result;
  if (document.root()["result"].get(result) == simdjson::SUCCESS) {
    Result<ResultPart> part = part_of(result, body, true);
    if (!part) return std::move(part).error();
    answer.result = std::move(*part);
  }
  return answer;
}

Result<ResultPart> parse_chunk(std::string& body) {
  Document document;
  if (Status status = document.parse(body); !status) return std::move(status).error();
  return part_of(document.root(), body, false);
}

Result<std::string> parse_session_id(std::string& body) { return parse_text(body, "session_id"); }

Result<std::string> parse_warehouse_state(std::string& body) { return parse_text(body, "state"); }

Result<std::string> parse_token_endpoint(std::string& body) {
  return parse_text(body, "token_endpoint");
}

Result<AccessToken> parse_access_token(std::string& body) {
  Document document;
  if (Status status = document.parse(body); !status) return std::move(status).error();
  constexpr std::uint64_t kUsualLifetime = 3600;
  constexpr std::uint64_t kLongestLifetime = 86'400;
  AccessToken token;
  token.token = Secret(text_of(document.root(), "access_token"));
  if (token.token.is_empty()) return malformed("has no access token");
  const std::uint64_t seconds = count_of(document.root(), "expires_in").value_or(kUsualLifetime);
  token.lifetime = std::chrono::seconds(std::min(seconds, kLongestLifetime));
  return token;
}

RemoteFailure parse_failure(std::string& body) {
  Document document;
  if (document.parse(body)) return failure_of(document.root());
  RemoteFailure failure;
  failure.message = excerpt(body, 200);
  return failure;
}

}  // namespace lakehouse::warehouse::databricks
