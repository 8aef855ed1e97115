// SPDX-License-Identifier: PostgreSQL
// Server: the authorization server's routes, and what its endpoints share. An endpoint is one
// function of a request; its file is named after it.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <variant>
#include <vector>

#include "worker/config/public_url.hpp"
#include "worker/http/form.hpp"
#include "worker/http/router.hpp"
#include "worker/log/log.hpp"
#include "worker/oauth/issuer.hpp"
#include "worker/oauth/metadata_document.hpp"
#include "worker/oauth/store.hpp"

namespace lakehouse::worker::oauth {

class Server {
 public:
  Server(config::PublicUrl url, db::Pool& pool, lakehouse::http::Client& client, log::Log& log)
      : url_(std::move(url)), store_(pool), documents_(client), log_(log) {}

  // Everything below /oauth and /.well-known; `this` must live as long as they are served.
  std::vector<http::Route> routes();

 private:
  // RFC 6749, section 4.1.1: checks the client's request, begins a sign-in.
  http::Response authorize(const http::Request& request, const Context& context);
  // What users post on the two pages.
  http::Response sign_in(const http::Request& request, const Context& context);
  http::Response show_consent(const http::Request& request, const Context& context);
  http::Response consent(const http::Request& request, const Context& context);
  // Sections 4.1.3 and 6; RFC 7009; RFC 7591.
  http::Response token(const http::Request& request, const Context& context);
  http::Response revoke(const http::Request& request, const Context& context);
  http::Response register_client(const http::Request& request, const Context& context);
  // RFC 8414.
  http::Response server_metadata(const http::Request& request, const Context& context);
  // RFC 9728, of the resource at `path`.
  http::Response resource_metadata(const http::Request& request, std::string_view path);

  // The client's row, or its document; nothing if there is neither, or it was revoked.
  Result<std::optional<Client>> find_client(std::string_view id, const Context& context);
  // The client that sent a form to the token or revocation endpoint, or the refusal.
  std::variant<Client, http::Response> authenticate(const http::Request& request,
                                                    const http::Form& form, const Context& context);
  std::variant<Client, http::Response> check_secret(const http::Request& request, Client client,
                                                    std::string_view secret,
                                                    const Context& context);
  http::Response redeem_code(const Client& client, const http::Form& form, const Issuer& issuer,
                             const Context& context);
  http::Response refresh(const Client& client, const http::Form& form, const Issuer& issuer,
                         const Context& context);
  http::Response begin_sign_in(const http::Request& request, const SignIn& sign_in,
                               const Context& context);
  // Logs it; what users and clients read names nothing of it.
  http::Response page_of(const Error& error, const Context& context);
  http::Response answer_of(const Error& error, const Context& context);
  void forget_leftovers(const Context& context);

  const config::PublicUrl url_;
  Store store_;
  MetadataDocuments documents_;
  log::Log& log_;
  std::atomic<std::chrono::steady_clock::time_point> next_cleaning_{};
};

}  // namespace lakehouse::worker::oauth
