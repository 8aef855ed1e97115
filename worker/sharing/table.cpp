// SPDX-License-Identifier: PostgreSQL
// Version and metadata of a table, and which versions may be read at all.
#include "worker/sharing/parameters.hpp"
#include "worker/sharing/server.hpp"
#include "worker/sharing/timestamp.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::int64_t kMicrosecondsPerMillisecond = 1000;
// How much longer than by itself a version can be read by a page or refresh token. It and the life
// of a URL are what publish::Retention waits for.
constexpr std::chrono::milliseconds kTokenTime = std::chrono::hours(1);

http::Response no_history() {
  return invalid_value("this table is shared without its history: only its newest version is here");
}

http::Response too_old(std::int64_t oldest) {
  return invalid_value("older versions are not kept; the oldest that can be read is " +
                       std::to_string(oldest));
}

Or<std::optional<std::int64_t>> read_time(const Parameters& parameters, std::string_view name) {
  const auto text = parameters.text(name);
  if (!text) return std::optional<std::int64_t>();
  const auto time = parse_timestamp(*text);
  if (!time) {
    return invalid_value(std::string(name) + " must look like 2026-01-01T00:00:00Z");
  }
  return time;
}

}  // namespace

http::Response Server::version(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(
      request, {request.parameters[0], request.parameters[1], request.parameters[2]}, context);
  if (auto* refused = refusal_of(admitted)) return std::move(*refused);
  const SharedTable& table = std::get<Admission>(admitted).table;
  if (table.version < 0) return not_found("the table has not been published yet");
  if (request.query.empty()) return version_answer(table.version);
  auto parameters = Parameters::read(request);
  if (auto* refused = refusal_of(parameters)) return std::move(*refused);
  auto time = read_time(std::get<Parameters>(parameters), "startingTimestamp");
  if (auto* refused = refusal_of(time)) return std::move(*refused);
  const auto& starting = std::get<std::optional<std::int64_t>>(time);
  if (!starting) return version_answer(table.version);
  auto found = version_after(table, *starting, context);
  if (auto* refused = refusal_of(found)) return std::move(*refused);
  return version_answer(std::get<std::int64_t>(found));
}

http::Response Server::metadata(const http::Request& request, const Context& context) {
  auto begun = begin(request, "metadata", context);
  if (auto* refused = refusal_of(begun)) return std::move(*refused);
  Asked& asked = std::get<Asked>(begun);
  auto parameters = Parameters::read(request);
  if (auto* refused = refusal_of(parameters)) return std::move(*refused);
  auto number = std::get<Parameters>(parameters).number("version");
  if (auto* refused = refusal_of(number)) return std::move(*refused);
  auto time = read_time(std::get<Parameters>(parameters), "timestamp");
  if (auto* refused = refusal_of(time)) return std::move(*refused);

  QueryRequest wanted;
  wanted.version = std::get<std::optional<std::int64_t>>(number);
  wanted.timestamp_us = std::get<std::optional<std::int64_t>>(time);
  if (wanted.version && wanted.timestamp_us) {
    return invalid_value("version and timestamp can't be given both");
  }
  auto chosen = choose_version(wanted, asked, context);
  if (auto* refused = refusal_of(chosen)) return std::move(*refused);
  asked.read.version = std::get<std::int64_t>(chosen);
  auto loaded = snapshot(asked.table(), asked.read.version, context);
  if (auto* refused = refusal_of(loaded)) return std::move(*refused);
  const auto& found = *std::get<std::shared_ptr<const Snapshot>>(loaded);
  Lines lines(asked.capabilities, asked.table(), nullptr, {});
  const Lines::Size size{found.bytes, std::ssize(found.files)};
  lines.protocol();
  FileUrls* urls = file_urls(asked.table());
  lines.metadata(found.metadata, asked.read.version, &size,
                 urls != nullptr && urls->has_credentials(asked.table()));
  return finish(request, asked, lines.release(), context);
}

http::Response Server::credentials(const http::Request& request, const Context& context) {
  auto begun = begin(request, "credentials", context);
  if (auto* refused = refusal_of(begun)) return std::move(*refused);
  Asked& asked = std::get<Asked>(begun);
  FileUrls* urls = file_urls(asked.table());
  if (urls == nullptr || !urls->has_credentials(asked.table())) {
    return unsupported("this table is read by URLs alone: its store gives no credentials");
  }
  if (!asked.table().has_history || asked.table().start_version > 0) return no_history();
  const auto made = urls->credentials(asked.table(), context);
  if (!made) return failed(made.error(), context);
  asked.read.version = asked.table().version;
  if (Status recorded = record(audit_, request, asked.who, asked.read); !recorded) {
    return failed(recorded.error(), context);
  }
  return json("{\"credentials\":" + *made + "}\n");
}

// Every query is answered at once, so there is none to be asked about.
http::Response Server::query_status(const http::Request& request, const Context& context) {
  auto begun = begin(request, "query", context);
  if (auto* refused = refusal_of(begun)) return std::move(*refused);
  return not_found("there is no such query: each is answered as it is asked");
}

Or<std::int64_t> Server::readable(const SharedTable& table, std::int64_t version,
                                  const Context& context) {
  if (!table.has_history) return no_history();
  if (version > table.version) {
    return invalid_value("the table has no such version; its newest is " +
                         std::to_string(table.version));
  }
  if (version == table.version) return version;
  const auto history = store_.history(table, 0, readable_since_ms(), context);
  if (!history) return failed(history.error(), context);
  const std::int64_t oldest = std::max(history->oldest, table.start_version);
  if (version < oldest) return too_old(oldest);
  return version;
}

// What a token lists is read for an hour more: that much longer than a token, files are kept.
Or<std::int64_t> Server::pinned(const SharedTable& table, std::int64_t version,
                                const Context& context) {
  if (version == table.version) return version;
  const std::int64_t since_ms = readable_since_ms() - kTokenTime.count();
  const auto history = store_.history(table, 0, since_ms, context);
  if (!history) return failed(history.error(), context);
  if (version < history->oldest) return invalid_value("this version is not kept any more");
  return version;
}

Or<std::int64_t> Server::version_before(const SharedTable& table, std::int64_t time_us,
                                        const Context& context) {
  if (!table.has_history) return no_history();
  if (time_us > (now() + 1) * 1'000'000) return invalid_value("the timestamp is yet to come");
  const auto history =
      store_.history(table, time_us / kMicrosecondsPerMillisecond, readable_since_ms(), context);
  if (!history) return failed(history.error(), context);
  const std::int64_t oldest = std::max(history->oldest, table.start_version);
  if (history->before < oldest) return too_old(oldest);
  return history->before;
}

Or<std::int64_t> Server::version_after(const SharedTable& table, std::int64_t time_us,
                                       const Context& context) {
  if (!table.has_history) return no_history();
  const auto history = store_.history(
      table, (time_us + kMicrosecondsPerMillisecond - 1) / kMicrosecondsPerMillisecond,
      readable_since_ms(), context);
  if (!history) return failed(history.error(), context);
  if (history->after < 0) {
    return invalid_value("the timestamp is after the newest version, " +
                         std::to_string(table.version));
  }
  // A time before all that is kept: versions in between would be left out unnoticed.
  const bool has_gap = history->before < 0 && history->oldest > 0;
  const std::int64_t oldest = std::max(history->oldest, table.start_version);
  if (has_gap || history->after < oldest) return too_old(oldest);
  return history->after;
}

}  // namespace lakehouse::worker::sharing
