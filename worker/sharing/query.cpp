// SPDX-License-Identifier: PostgreSQL
// POST …/query: the files of a version; or, from startingVersion on, what versions changed.
#include <algorithm>
#include <chrono>

#include "worker/oauth/token.hpp"
#include "worker/sharing/parameters.hpp"
#include "worker/sharing/predicate.hpp"
#include "worker/sharing/seal.hpp"
#include "worker/sharing/server.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::int64_t kRefreshSeconds = 3600;
constexpr std::int64_t kPageSeconds = 3 * 24 * 3600;

using Files = std::vector<const DataFile*>;

std::vector<Predicate> read_hints(const QueryRequest& wanted) {
  std::vector<Predicate> hints;
  for (const std::string& hint : wanted.predicate_hints) {
    if (auto predicate = parse_sql_predicate(hint)) hints.push_back(*std::move(predicate));
  }
  if (!wanted.json_predicate_hints.empty()) {
    auto predicate = parse_json_predicate(wanted.json_predicate_hints);
    if (predicate) hints.push_back(*std::move(predicate));
  }
  return hints;
}

// Files that can't have a wanted row are left out. A limit counts only where every row is wanted.
Files choose_files(const Snapshot& snapshot, const QueryRequest& wanted) {
  Files files;
  const std::vector<Predicate> hints = read_hints(wanted);
  const ColumnTypes types =
      hints.empty() ? ColumnTypes() : ColumnTypes::parse(snapshot.metadata.schema_string);
  std::int64_t rows = 0;
  for (const DataFile& file : snapshot.files) {
    if (!wanted.has_hints() && wanted.limit && rows >= *wanted.limit) break;
    rows += file.rows;
    const auto statistics =
        hints.empty() ? Result<json::Value>(json::Value()) : json::parse(file.stats);
    const bool is_wanted = !statistics || std::ranges::all_of(hints, [&](const Predicate& hint) {
      return may_match(hint, types, *statistics);
    });
    if (is_wanted) files.push_back(&file);
  }
  return files;
}

// What makes another list of files of the same version.
std::string fingerprint(const QueryRequest& wanted) {
  std::string text = wanted.json_predicate_hints + "\n" + std::to_string(wanted.limit.value_or(-1));
  for (const std::string& hint : wanted.predicate_hints) text += "\n" + hint;
  return oauth::hash_of(text);
}

struct Place {
  std::int64_t version = 0, offset = 0;
};

std::optional<Place> read_place(std::string_view payload) {
  const std::size_t dash = payload.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto version = parse_count(payload.substr(0, dash));
  const auto offset = parse_count(payload.substr(dash + 1));
  if (!version || !offset) return std::nullopt;
  return Place{*version, *offset};
}

}  // namespace

http::Response Server::query(const http::Request& request, const Context& context) {
  auto begun = begin(request, "query", context);
  if (auto* refused = refusal_of(begun)) return std::move(*refused);
  Asked& asked = std::get<Asked>(begun);
  auto parsed = QueryRequest::parse(request.body);
  if (auto* refused = refusal_of(parsed)) return std::move(*refused);
  const auto& wanted = std::get<QueryRequest>(parsed);
  if (!wanted.starting_version) return query_snapshot(request, wanted, asked, context);
  auto span = choose_span(wanted, asked, context);
  if (auto* refused = refusal_of(span)) return std::move(*refused);
  return answer_changes(request, std::get<Span>(span), asked, context);
}

Or<std::int64_t> Server::choose_version(const QueryRequest& wanted, const Asked& asked,
                                        const Context& context) {
  if (wanted.version) return readable(asked.table(), *wanted.version, context);
  if (wanted.timestamp_us) return version_before(asked.table(), *wanted.timestamp_us, context);
  if (wanted.refresh_token.empty()) return asked.table().version;
  const auto payload = open_token(vault_, wanted.refresh_token, binding("refresh", asked), now());
  const auto version = payload ? parse_count(*payload) : std::nullopt;
  if (!version) return invalid_value("refreshToken is not one of this table, or too old");
  return *version;
}

http::Response Server::query_snapshot(const http::Request& request, const QueryRequest& wanted,
                                      Asked& asked, const Context& context) {
  const std::string pages = binding("files", asked) + " " + fingerprint(wanted);
  std::int64_t offset = 0;
  if (wanted.page_token.empty()) {
    auto chosen = choose_version(wanted, asked, context);
    if (auto* refused = refusal_of(chosen)) return std::move(*refused);
    asked.read.version = std::get<std::int64_t>(chosen);
  } else {
    const auto payload = open_token(vault_, wanted.page_token, pages, now());
    const auto place = payload ? read_place(*payload) : std::nullopt;
    if (!place) return invalid_value("pageToken is not one of this query, or too old");
    asked.read.version = place->version;
    offset = place->offset;
  }
  const auto found = snapshot(asked.table(), asked.read.version, context);
  if (!found) return failed(found.error(), context);
  const Files files = choose_files(**found, wanted);
  auto made = urls(asked, context);
  if (auto* refused = refusal_of(made)) return std::move(*refused);
  const auto& [writer, expires_at] = std::get<Urls>(made);

  Lines lines(asked.capabilities, asked.table(), writer.get(), expires_at);
  const Lines::Size size{(*found)->bytes, std::ssize((*found)->files)};
  lines.protocol();
  lines.metadata((*found)->metadata, asked.read.version, &size,
                 file_urls(asked.table())->has_credentials(asked.table()));
  const std::int64_t end = wanted.max_files
                               ? std::min(offset + *wanted.max_files, std::ssize(files))
                               : std::ssize(files);
  for (std::int64_t i = offset; i < end; ++i) {
    const DataFile& file = *files[static_cast<std::size_t>(i)];
    lines.file(file, nullptr);
    ++asked.read.files;
    asked.read.rows += file.rows;
    asked.read.bytes += file.bytes;
  }
  Lines::End tokens;
  if (end < std::ssize(files)) {
    auto token = seal_token(vault_, std::to_string(asked.read.version) + "-" + std::to_string(end),
                            pages, now() + kPageSeconds);
    if (!token) return failed(token.error(), context);
    tokens.next_page_token = *std::move(token);
  }
  if (wanted.wants_refresh_token) {
    auto token = seal_token(vault_, std::to_string(asked.read.version), binding("refresh", asked),
                            now() + kRefreshSeconds);
    if (!token) return failed(token.error(), context);
    tokens.refresh_token = *std::move(token);
  }
  if (asked.capabilities.has_end_of_stream || wanted.max_files || wanted.wants_refresh_token) {
    lines.end_of_stream(tokens);
  }
  return finish(request, asked, lines.release(), context);
}

}  // namespace lakehouse::worker::sharing
