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
  return pinned(asked.table(), *version, context);
}

http::Response Server::query_snapshot(const http::Request& request, const QueryRequest& wanted,
                                      Asked& asked, const Context& context) {
  const std::string pages = binding("files", asked) + " " + fingerprint(wanted);
  auto begun = begin_page(wanted, pages, asked, context);
  if (auto* refused = refusal_of(begun)) return std::move(*refused);
  Page& page = std::get<Page>(begun);
  asked.read.version = page.version;
  auto loaded = snapshot(asked.table(), page.version, context);
  if (auto* refused = refusal_of(loaded)) return std::move(*refused);
  const auto& found = *std::get<std::shared_ptr<const Snapshot>>(loaded);
  auto made = urls(asked, context);
  if (auto* refused = refusal_of(made)) return std::move(*refused);
  const auto& [writer, expires_at] = std::get<Urls>(made);

  Lines lines(asked.capabilities, asked.table(), writer.get(), expires_at);
  const Lines::Size size{found.bytes, std::ssize(found.files)};
  lines.protocol();
  lines.metadata(found.metadata, page.version, &size,
                 file_urls(asked.table())->has_credentials(asked.table()));
  Files files = choose_files(found, wanted);
  files.erase(files.begin(), files.begin() + std::min(page.offset, std::ssize(files)));
  const std::int64_t most = wanted.max_files.value_or(std::ssize(files));
  page.has_more = most < std::ssize(files);
  if (page.has_more) files.resize(static_cast<std::size_t>(most));
  lines.reserve(files);
  for (const DataFile* file : files) {
    lines.file(*file, nullptr);
    ++asked.read.files;
    asked.read.rows += file->rows;
    asked.read.bytes += file->bytes;
  }
  const auto tokens = end_page(wanted, pages, page, asked);
  if (!tokens) return failed(tokens.error(), context);
  if (asked.capabilities.has_end_of_stream || wanted.max_files || wanted.wants_refresh_token) {
    lines.end_of_stream(*tokens);
  }
  return finish(request, asked, lines.release(), context);
}

// Which version, and from which of its files on. A token's payload is "version-offset".
Or<Server::Page> Server::begin_page(const QueryRequest& wanted, const std::string& pages,
                                    const Asked& asked, const Context& context) {
  if (wanted.page_token.empty()) {
    auto chosen = choose_version(wanted, asked, context);
    if (auto* refused = refusal_of(chosen)) return std::move(*refused);
    return Page{std::get<std::int64_t>(chosen), 0, false};
  }
  const std::string payload = open_token(vault_, wanted.page_token, pages, now()).value_or("");
  const std::size_t dash = std::min(payload.find('-'), payload.size());
  const auto version = parse_count(std::string_view(payload).substr(0, dash));
  const auto offset =
      parse_count(std::string_view(payload).substr(std::min(dash + 1, payload.size())));
  if (!version || !offset) return invalid_value("pageToken is not one of this query, or too old");
  auto kept = pinned(asked.table(), *version, context);
  if (auto* refused = refusal_of(kept)) return std::move(*refused);
  return Page{*version, *offset, false};
}

Result<Lines::End> Server::end_page(const QueryRequest& wanted, const std::string& pages,
                                    const Page& page, const Asked& asked) const {
  Lines::End tokens;
  if (page.has_more) {
    auto token = seal_token(
        vault_, std::to_string(page.version) + "-" + std::to_string(page.offset + asked.read.files),
        pages, now() + kPageSeconds);
    if (!token) return token.error();
    tokens.next_page_token = *std::move(token);
  }
  if (wanted.wants_refresh_token) {
    auto token = seal_token(vault_, std::to_string(page.version), binding("refresh", asked),
                            now() + kRefreshSeconds);
    if (!token) return token.error();
    tokens.refresh_token = *std::move(token);
  }
  return tokens;
}

}  // namespace lakehouse::worker::sharing
