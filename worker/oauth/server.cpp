// SPDX-License-Identifier: PostgreSQL
// The table of routes, and the few things that more than one endpoint does.
#include "worker/oauth/server.hpp"

#include "worker/oauth/answer.hpp"
#include "worker/oauth/page.hpp"

namespace lakehouse::worker::oauth {
namespace {

constexpr std::chrono::minutes kCleaningPause{1};

}  // namespace

std::vector<http::Route> Server::routes() {
  using Method = http::Response (Server::*)(const http::Request&, const Context&);
  const auto to = [this](Method method) -> http::Handler {
    return [this, method](const http::Request& request, const Context& context) {
      return (this->*method)(request, context);
    };
  };
  const auto of_resource = [this](std::string_view path) -> http::Handler {
    return [this, path](const http::Request& request, const Context&) {
      return resource_metadata(request, path);
    };
  };
  const auto style = [](const http::Request&, const Context&) { return style_sheet(); };
  constexpr auto kAnyone = http::Audience::kAnyone;
  return {
      {"GET", "/.well-known/oauth-authorization-server", to(&Server::server_metadata), kAnyone},
      {"GET", "/.well-known/oauth-protected-resource", of_resource(kMcpPath), kAnyone},
      {"GET", "/.well-known/oauth-protected-resource/mcp", of_resource(kMcpPath), kAnyone},
      {"GET", "/.well-known/oauth-protected-resource/api/mcp", of_resource(kOtherMcpPath), kAnyone},
      {"GET", "/oauth/authorize", to(&Server::authorize)},
      {"GET", "/oauth/style.css", style},
      {"POST", "/oauth/sign-in", to(&Server::sign_in)},
      {"GET", "/oauth/consent", to(&Server::show_consent)},
      {"POST", "/oauth/consent", to(&Server::consent)},
      {"POST", "/oauth/token", to(&Server::token), kAnyone},
      {"POST", "/oauth/revoke", to(&Server::revoke), kAnyone},
      {"POST", "/oauth/register", to(&Server::register_client), kAnyone},
  };
}

Result<std::optional<Client>> Server::find_client(std::string_view id, const Context& context) {
  // The row first, also of a document: it may have been revoked.
  auto row = store_.find_client(id, context);
  if (!row) return row.error();
  if (*row && (*row)->is_revoked) return std::optional<Client>();
  if (!is_document_id(id)) return row;
  auto document = documents_.find(id, context);
  if (!document) return document.error();
  return std::optional<Client>(*std::move(document));
}

http::Response Server::page_of(const Error& error, const Context& context) {
  log_.failure("sign-in page failed", error, context.request_id);
  return error_page(503, "Not available", "Signing in does not work just now. Try again later.");
}

http::Response Server::answer_of(const Error& error, const Context& context) {
  log_.failure("token endpoint failed", error, context.request_id);
  return unavailable();
}

// Here, because whoever asks for tokens is what makes rows; at most once a pause in each worker.
void Server::forget_leftovers(const Context& context) {
  const auto now = std::chrono::steady_clock::now();
  auto due = next_cleaning_.load();
  if (now < due || !next_cleaning_.compare_exchange_strong(due, now + kCleaningPause)) return;
  if (Status done = store_.forget_leftovers(context); !done) {
    log_.failure("expired tokens were not deleted", done.error(), context.request_id);
  }
}

}  // namespace lakehouse::worker::oauth
