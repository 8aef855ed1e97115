// SPDX-License-Identifier: PostgreSQL
// The table of routes, and what endpoints share.
#include "worker/sharing/server.hpp"

#include <chrono>

#include "worker/oauth/page.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr const char* kRoot = "/delta-sharing";
// As long as the reference server's.
constexpr std::int64_t kUrlSeconds = 3600;

std::string_view parameter(const http::Request& request, std::size_t index) {
  return index < request.parameters.size() ? std::string_view(request.parameters[index])
                                           : std::string_view();
}

}  // namespace

Server::Server(const Parts& parts)
    : url_(parts.url),
      vault_(parts.vault),
      audit_(parts.audit),
      stores_(parts.stores),
      object_urls_(parts.object_urls),
      retention_(parts.retention),
      log_(parts.log),
      store_(parts.pool),
      gate_(store_, parts.log),
      signed_urls_(parts.url, parts.vault),
      file_access_(store_),
      counts_(parts.pool, parts.log) {}

std::vector<http::Route> Server::routes() {
  const auto route = [this](const char* method, const std::string& path, Method handler) {
    return http::Route{method, kRoot + path,
                       [this, handler](const http::Request& request, const Context& context) {
                         return (this->*handler)(request, context);
                       },
                       http::Audience::kRecipients};
  };
  const std::string table = "/shares/{share}/schemas/{schema}/tables/{table}";
  return {
      route("GET", "/shares", &Server::list_shares),
      route("GET", "/shares/{share}", &Server::get_share),
      route("GET", "/shares/{share}/schemas", &Server::list_schemas),
      route("GET", "/shares/{share}/schemas/{schema}/tables", &Server::list_tables),
      route("GET", "/shares/{share}/all-tables", &Server::list_tables),
      route("GET", table, &Server::version),  // deprecated, by HEAD
      route("GET", table + "/version", &Server::version),
      route("GET", table + "/metadata", &Server::metadata),
      route("POST", table + "/query", &Server::query),
      route("POST", "/" + table + "/query", &Server::query),  // as the client for Go has it
      route("POST", table + "/queries/{query}", &Server::query_status),
      route("GET", table + "/changes", &Server::changes),
      route("POST", table + "/temporary-table-credentials", &Server::credentials),
      route("GET", "/files/{table}/{path...}", &Server::file),
      route("GET", "/activate/{code}", &Server::show_activation),
      route("POST", "/activate/{code}", &Server::activate),
      route("POST", "/oauth/token", &Server::token),
      {"GET", std::string(kRoot) + "/style.css",
       [](const http::Request&, const Context&) { return oauth::style_sheet(); },
       http::Audience::kRecipients},
  };
}

http::Tree Server::tree() { return {kRoot, http::Audience::kRecipients, error_body}; }

Or<Server::Asked> Server::begin(const http::Request& request, std::string_view what,
                                const Context& context) {
  Asked asked;
  asked.read.what = what;
  asked.read.began = std::chrono::steady_clock::now();
  auto admitted = gate_.admit(
      request, {parameter(request, 0), parameter(request, 1), parameter(request, 2)}, context);
  if (auto* refused = refusal_of(admitted)) return std::move(*refused);
  asked.who = std::get<Admission>(std::move(admitted));
  if (asked.table().version < 0) return not_found("the table has not been published yet");
  auto capabilities = read_capabilities(request);
  if (auto* refused = refusal_of(capabilities)) return std::move(*refused);
  asked.capabilities = std::get<Capabilities>(capabilities);
  return asked;
}

// Nothing is told that the audit log does not know.
http::Response Server::finish(const http::Request& request, const Asked& asked, std::string lines,
                              const Context& context) {
  if (Status recorded = record(audit_, request, asked.who, asked.read); !recorded) {
    return failed(recorded.error(), context);
  }
  if (asked.read.what != "metadata") counts_.add(asked.who, asked.read.bytes);
  http::Response response =
      lines_answer(std::move(lines), asked.read.version, asked.capabilities.granted());
  if (asked.capabilities.is_id_hash_asked) {
    response.headers.push_back({"fileidhash", std::string(asked.capabilities.id_hash_name())});
  }
  return response;
}

Or<std::shared_ptr<const Snapshot>> Server::snapshot(const SharedTable& table, std::int64_t version,
                                                     const Context& context) {
  const bool is_newest = version == table.version;
  if (is_newest) {
    if (auto kept = snapshots_.find(table)) return kept;
  }
  auto metadata = store_.metadata(table, version, context);
  if (!metadata) return failed(metadata.error(), context);
  if (!*metadata) return invalid_value("this version is not kept any more");
  auto files = store_.files(table, version, context);
  if (!files) return failed(files.error(), context);
  auto made = std::make_shared<Snapshot>();
  made->version = version;
  made->metadata = **std::move(metadata);
  made->files = *std::move(files);
  for (const DataFile& file : made->files) made->bytes += file.bytes;
  if (is_newest) snapshots_.keep(table, made);
  return std::shared_ptr<const Snapshot>(std::move(made));
}

FileUrls* Server::file_urls(const SharedTable& table) {
  return table.store_id.empty() ? &signed_urls_ : object_urls_;
}

Or<Server::Urls> Server::urls(const Asked& asked, const Context& context) {
  FileUrls* urls = file_urls(asked.table());
  if (urls == nullptr) return unsupported("the store of this table can't be read from here");
  const std::int64_t token_end = asked.who.recipient.token_expires_at;
  std::int64_t end = now() + kUrlSeconds;
  if (token_end > 0) end = std::min(end, token_end);
  const std::chrono::sys_seconds expires_at{std::chrono::seconds(end)};
  auto writer = urls->writer(asked.table(), asked.who.recipient, expires_at, context);
  if (!writer) return failed(writer.error(), context);
  return Urls{*std::move(writer), expires_at};
}

// Of tokens: what they are good for.
std::string Server::binding(std::string_view kind, const Asked& asked) const {
  return std::string(kind) + " " + asked.who.recipient.id + " " + asked.table().share_id + " " +
         asked.table().id;
}

// A store that was revoked, or that refuses our key, answers alike the next time.
http::Response Server::failed(const Error& error, const Context& context) {
  log_.failure("sharing request failed", error, context.request_id);
  const bool may_pass =
      error.code != ErrorCode::kUnauthenticated && error.code != ErrorCode::kPermissionDenied;
  if (may_pass) return unavailable();
  return unsupported("the files of this table can't be reached; tell whoever shares it");
}

std::int64_t Server::readable_since_ms() const { return now() * 1000 - retention_.count(); }

std::int64_t Server::now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace lakehouse::worker::sharing
