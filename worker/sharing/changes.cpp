// SPDX-License-Identifier: PostgreSQL
// What versions changed: GET …/changes, and POST …/query from startingVersion on.
#include <algorithm>
#include <chrono>

#include "worker/sharing/parameters.hpp"
#include "worker/sharing/seal.hpp"
#include "worker/sharing/server.hpp"
#include "worker/sharing/timestamp.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::int64_t kPageSeconds = 3 * 24 * 3600;

// One end of the span, as a version or as a time.
struct Bound {
  std::optional<std::int64_t> version, time_us;
};

Or<Bound> read_bound(const Parameters& parameters, const std::string& end) {
  Bound bound;
  auto version = parameters.number(end + "Version");
  if (auto* refused = refusal_of(version)) return std::move(*refused);
  bound.version = std::get<std::optional<std::int64_t>>(version);
  if (const auto text = parameters.text(end + "Timestamp")) {
    bound.time_us = parse_timestamp(*text);
    if (!bound.time_us) {
      return invalid_value(end + "Timestamp must look like 2026-01-01T00:00:00Z");
    }
  }
  if (bound.version && bound.time_us) {
    return invalid_value(end + "Version and " + end + "Timestamp can't be given both");
  }
  return bound;
}

}  // namespace

http::Response Server::changes(const http::Request& request, const Context& context) {
  auto begun = begin(request, "changes", context);
  if (auto* refused = refusal_of(begun)) return std::move(*refused);
  Asked& asked = std::get<Asked>(begun);
  auto span = choose_span(request, asked, context);
  if (auto* refused = refusal_of(span)) return std::move(*refused);
  return answer_changes(request, std::get<Span>(span), asked, context);
}

Or<Server::Span> Server::choose_span(const http::Request& request, const Asked& asked,
                                     const Context& context) {
  auto read = Parameters::read(request);
  if (auto* refused = refusal_of(read)) return std::move(*refused);
  const auto& parameters = std::get<Parameters>(read);
  auto from = read_bound(parameters, "starting");
  if (auto* refused = refusal_of(from)) return std::move(*refused);
  auto to = read_bound(parameters, "ending");
  if (auto* refused = refusal_of(to)) return std::move(*refused);
  const auto& starting = std::get<Bound>(from);
  const auto& ending = std::get<Bound>(to);
  if (!starting.version && !starting.time_us) {
    return invalid_value("startingVersion or startingTimestamp is needed");
  }
  auto first = starting.version ? readable(asked.table(), *starting.version, context)
                                : version_after(asked.table(), *starting.time_us, context);
  if (auto* refused = refusal_of(first)) return std::move(*refused);
  Span span;
  span.first = std::get<std::int64_t>(first);
  span.last = std::min(ending.version.value_or(asked.table().version), asked.table().version);
  if (ending.time_us) {
    auto last = version_before(asked.table(), *ending.time_us, context);
    if (auto* refused = refusal_of(last)) return std::move(*refused);
    span.last = std::get<std::int64_t>(last);
  }
  if (span.last < span.first) return invalid_value("the end is before the start");
  auto max_files = parameters.number("maxFiles");
  if (auto* refused = refusal_of(max_files)) return std::move(*refused);
  span.max_files = std::get<std::optional<std::int64_t>>(max_files);
  if (span.max_files == 0) return invalid_value("maxFiles must be 1 or more");
  span.with_change_files = true;
  span.with_metadata = parameters.flag("includeHistoricalMetadata");
  span.page_token = std::string(parameters.text("pageToken").value_or(""));
  return span;
}

Or<Server::Span> Server::choose_span(const QueryRequest& wanted, const Asked& asked,
                                     const Context& context) {
  auto first = readable(asked.table(), *wanted.starting_version, context);
  if (auto* refused = refusal_of(first)) return std::move(*refused);
  Span span;
  span.first = std::get<std::int64_t>(first);
  span.last =
      std::min(wanted.ending_version.value_or(asked.table().version), asked.table().version);
  span.with_metadata = true;
  span.page_token = wanted.page_token;
  span.max_files = wanted.max_files;
  return span;
}

// Pages number the changes; the span's end is in their token, so that a publish in between does not
// shift them.
http::Response Server::answer_changes(const http::Request& request, Span span, Asked& asked,
                                      const Context& context) {
  const std::string pages = binding(span.with_change_files ? "changes" : "actions", asked) + " " +
                            std::to_string(span.first) + (span.with_metadata ? " all" : "");
  std::int64_t offset = 0;
  if (!span.page_token.empty()) {
    const auto payload = open_token(vault_, span.page_token, pages, now());
    const std::size_t dash = payload ? payload->find('-') : std::string::npos;
    if (dash == std::string::npos) {
      return invalid_value("pageToken is not one of this request, or too old");
    }
    span.last = parse_count(std::string_view(*payload).substr(0, dash)).value_or(0);
    offset = parse_count(std::string_view(*payload).substr(dash + 1)).value_or(0);
  }
  asked.read.version = span.first;
  // Without history clients lay the changes into the columns that the table has now.
  const std::int64_t told_at = span.with_metadata ? span.first : asked.table().version;
  const auto metadata = store_.metadata(asked.table(), told_at, context);
  if (!metadata) return failed(metadata.error(), context);
  if (!*metadata) return invalid_value("these versions are not kept any more");
  const auto changes =
      store_.changes(asked.table(), span.first, span.last, span.with_change_files, context);
  if (!changes) return failed(changes.error(), context);
  auto made = urls(asked, context);
  if (auto* refused = refusal_of(made)) return std::move(*refused);
  const auto& [writer, expires_at] = std::get<Urls>(made);

  Lines lines(asked.capabilities, asked.table(), writer.get(), expires_at);
  lines.protocol();
  lines.metadata(**metadata, told_at, nullptr, false);
  std::int64_t place = offset;
  for (; place < std::ssize(*changes); ++place) {
    const Change& change = (*changes)[static_cast<std::size_t>(place)];
    if (change.kind == Change::Kind::kMetadata) {
      if (span.with_metadata && change.version > span.first) {
        lines.metadata(change.metadata, change.version, nullptr, false);
      }
      continue;
    }
    if (span.max_files && asked.read.files == *span.max_files) break;
    lines.change(change);
    ++asked.read.files;
    asked.read.rows += change.file.rows;
    asked.read.bytes += change.file.bytes;
  }
  Lines::End tokens;
  if (place < std::ssize(*changes)) {
    auto token = seal_token(vault_, std::to_string(span.last) + "-" + std::to_string(place), pages,
                            now() + kPageSeconds);
    if (!token) return failed(token.error(), context);
    tokens.next_page_token = *std::move(token);
  }
  if (asked.capabilities.has_end_of_stream || span.max_files) lines.end_of_stream(tokens);
  return finish(request, asked, lines.release(), context);
}

}  // namespace lakehouse::worker::sharing
