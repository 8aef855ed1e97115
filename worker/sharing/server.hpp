// SPDX-License-Identifier: PostgreSQL
// Server: Delta Sharing (the protocol of delta-io/delta-sharing) below /delta-sharing. An endpoint
// is one function of a request. What is served are rows of the database; the log in the store is
// never read.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/vault/vault.hpp"
#include "worker/config/base_url.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"
#include "worker/http/router.hpp"
#include "worker/log/log.hpp"
#include "worker/publish/stores.hpp"
#include "worker/sharing/answer.hpp"
#include "worker/sharing/capabilities.hpp"
#include "worker/sharing/file_access.hpp"
#include "worker/sharing/gate.hpp"
#include "worker/sharing/lines.hpp"
#include "worker/sharing/query_request.hpp"
#include "worker/sharing/read_counts.hpp"
#include "worker/sharing/signed_urls.hpp"
#include "worker/sharing/snapshot.hpp"
#include "worker/sharing/store.hpp"
#include "worker/sharing/trail.hpp"

namespace lakehouse::worker::sharing {

struct Parts {
  config::BaseUrl url;
  db::Pool& pool;
  const vault::Vault& vault;
  gateway::AuditStore& audit;
  publish::Stores& stores;
  FileUrls* object_urls;           // of tables in object stores; null: there are none
  std::chrono::minutes retention;  // how long a version can be read after another took its place
  log::Log& log;
};

class Server {
 public:
  explicit Server(const Parts& parts);

  // `this` must live as long as they are served.
  std::vector<http::Route> routes();
  // Where they are, and how errors beside them look.
  static http::Tree tree();

 private:
  using Method = http::Response (Server::*)(const http::Request&, const Context&);
  struct ListName {
    std::string kind, scope;
  };
  using Fetch = std::function<Result<Store::List>(std::string_view after, std::int64_t most)>;
  using Render = std::function<std::string(const Store::Named&)>;

  // listing.cpp
  http::Response list_shares(const http::Request& request, const Context& context);
  http::Response get_share(const http::Request& request, const Context& context);
  http::Response list_schemas(const http::Request& request, const Context& context);
  http::Response list_tables(const http::Request& request, const Context& context);
  http::Response list(const http::Request& request, const ListName& name, const Fetch& fetch,
                      const Render& render, const Context& context);

  // table.cpp
  http::Response version(const http::Request& request, const Context& context);
  http::Response metadata(const http::Request& request, const Context& context);
  http::Response credentials(const http::Request& request, const Context& context);
  http::Response query_status(const http::Request& request, const Context& context);
  // query.cpp
  http::Response query(const http::Request& request, const Context& context);
  // changes.cpp
  http::Response changes(const http::Request& request, const Context& context);
  // files.cpp
  http::Response file(const http::Request& request, const Context& context);
  // activation.cpp
  http::Response show_activation(const http::Request& request, const Context& context);
  http::Response activate(const http::Request& request, const Context& context);
  // client_credentials.cpp
  http::Response token(const http::Request& request, const Context& context);

  // What every read of a table begins with, and ends with.
  struct Asked {
    Admission who;
    Capabilities capabilities;
    Read read;
    const SharedTable& table() const { return who.table; }
  };
  Or<Asked> begin(const http::Request& request, std::string_view what, const Context& context);
  http::Response finish(const http::Request& request, const Asked& asked, std::string lines,
                        const Context& context);

  // Which versions there are. `version` must be one of those that may be read. `pinned`: by a
  // token, which is good for an hour longer.
  Or<std::int64_t> readable(const SharedTable& table, std::int64_t version, const Context& context);
  Or<std::int64_t> pinned(const SharedTable& table, std::int64_t version, const Context& context);
  // The newest at or before the time; the oldest at or after it.
  Or<std::int64_t> version_before(const SharedTable& table, std::int64_t time_us,
                                  const Context& context);
  Or<std::int64_t> version_after(const SharedTable& table, std::int64_t time_us,
                                 const Context& context);
  // Refusal: it is not kept any more.
  Or<std::shared_ptr<const Snapshot>> snapshot(const SharedTable& table, std::int64_t version,
                                               const Context& context);

  Or<std::int64_t> choose_version(const QueryRequest& wanted, const Asked& asked,
                                  const Context& context);
  http::Response query_snapshot(const http::Request& request, const QueryRequest& wanted,
                                Asked& asked, const Context& context);

  struct Page {
    std::int64_t version = 0, offset = 0;
    bool has_more = false;
  };
  Or<Page> begin_page(const QueryRequest& wanted, const std::string& pages, const Asked& asked,
                      const Context& context);
  Result<Lines::End> end_page(const QueryRequest& wanted, const std::string& pages,
                              const Page& page, const Asked& asked) const;

  // The versions whose changes are asked for, and how.
  struct Span {
    std::int64_t first = 0, last = 0;
    bool with_change_files = false;
    bool with_metadata = false;  // of each version that has some; else the newest's alone
    std::string page_token;
    std::optional<std::int64_t> max_files;
  };
  Or<Span> choose_span(const http::Request& request, const Asked& asked, const Context& context);
  Or<Span> choose_span(const QueryRequest& wanted, const Asked& asked, const Context& context);
  http::Response answer_changes(const http::Request& request, Span span, Asked& asked,
                                const Context& context);

  // URLs that are good until `expires_at`.
  struct Urls {
    std::unique_ptr<UrlWriter> writer;
    std::chrono::sys_seconds expires_at;
  };
  Or<Urls> urls(const Asked& asked, const Context& context);
  FileUrls* file_urls(const SharedTable& table);
  std::string binding(std::string_view kind, const Asked& asked) const;

  // Versions that were in force at or after it may be read.
  std::int64_t readable_since_ms() const;
  // 503, and why in the log.
  http::Response failed(const Error& error, const Context& context);
  static std::int64_t now();  // seconds since 1970

  const config::BaseUrl url_;
  const vault::Vault& vault_;
  gateway::AuditStore& audit_;
  publish::Stores& stores_;
  FileUrls* const object_urls_;
  const std::chrono::milliseconds retention_;
  log::Log& log_;
  Store store_;
  Gate gate_;
  Snapshots snapshots_;
  SignedUrls signed_urls_;
  FileAccess file_access_;
  ReadCounts counts_;
};

}  // namespace lakehouse::worker::sharing
