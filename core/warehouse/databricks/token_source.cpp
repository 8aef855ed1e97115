// SPDX-License-Identifier: PostgreSQL
// Discovery → token request → everyone who waits. The client secret goes to the workspace's own
// origin only.
#include "core/warehouse/databricks/token_source.hpp"

#include <algorithm>

#include "core/warehouse/databricks/answer.hpp"
#include "core/warehouse/excerpt.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRefreshTimeout{60};
// A token is renewed so long before its end, or in the last quarter of a shorter life.
constexpr std::chrono::seconds kRenewBefore{120};

class StaticTokenSource final : public TokenSource {
 public:
  explicit StaticTokenSource(Secret token) : token_(std::move(token)) {}
  void get(Callback done) override { done(token_); }
  bool forget(const Secret&) override { return false; }

 private:
  const Secret token_;
};

class ClientCredentialsSource final : public TokenSource,
                                      public std::enable_shared_from_this<ClientCredentialsSource> {
 public:
  ClientCredentialsSource(ClientCredentials credentials, http::Client& client)
      : credentials_(std::move(credentials)), client_(client) {}

  void get(Callback done) override {
    {
      std::unique_lock lock(mutex_);
      if (token_ && Clock::now() < renew_at_) {
        Secret token = *token_;
        lock.unlock();
        done(std::move(token));
        return;
      }
      waiters_.push_back(std::move(done));
      if (waiters_.size() > 1) return;
    }
    discover();
  }

  bool forget(const Secret& token) override {
    const std::lock_guard lock(mutex_);
    if (token_ && token_->reveal() == token.reveal()) token_.reset();
    return true;
  }

 private:
  static Context refresh_context() {
    Context context;
    context.deadline = Deadline::in(kRefreshTimeout);
    return context;
  }

  void discover() {
    {
      std::unique_lock lock(mutex_);
      if (!endpoint_.empty()) {
        lock.unlock();
        return request_token();
      }
    }
    http::Request request;
    request.url = credentials_.workspace_url + "/oidc/.well-known/oauth-authorization-server";
    request.retry = http::Retry::kIdempotent;
    client_.start(std::move(request), refresh_context(),
                  [self = shared_from_this()](Result<http::Response> response) {
                    self->on_discovered(std::move(response));
                  });
  }

  void on_discovered(Result<http::Response> response) {
    if (!response) return finish(std::move(response).error());
    std::string endpoint;
    if (response->status == 200) {
      Result<std::string> found = parse_token_endpoint(response->body);
      if (!found) return finish(std::move(found).error());
      endpoint = std::move(*found);
    } else if (response->status == 404) {
      endpoint = credentials_.workspace_url + "/oidc/v1/token";
    } else {
      return finish(Error{ErrorCode::kUnavailable, "could not find the workspace's token endpoint",
                          "The answer has HTTP status " + std::to_string(response->status) + ".",
                          "Check the workspace URL."});
    }
    if (!endpoint.starts_with(credentials_.workspace_url + "/")) {
      return finish(
          Error{ErrorCode::kInvalidResponse, "workspace names a token endpoint of another origin",
                "Endpoint: " + quoted_excerpt(endpoint) + ".", "Check the workspace URL."});
    }
    {
      const std::lock_guard lock(mutex_);
      endpoint_ = std::move(endpoint);
    }
    request_token();
  }

  void request_token() {
    http::Request request;
    request.method = http::Method::kPost;
    {
      const std::lock_guard lock(mutex_);
      request.url = endpoint_;
    }
    request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    request.body = "grant_type=client_credentials&scope=all-apis";
    request.basic =
        Secret(credentials_.client_id + ":" + std::string(credentials_.client_secret.reveal()));
    request.retry = http::Retry::kIdempotent;
    client_.start(std::move(request), refresh_context(),
                  [self = shared_from_this()](Result<http::Response> response) {
                    self->on_token(std::move(response));
                  });
  }

  void on_token(Result<http::Response> response) {
    if (!response) return finish(std::move(response).error());
    if (response->status == 400 || response->status == 401 || response->status == 403) {
      return finish(Error{
          ErrorCode::kUnauthenticated, "workspace refused the client id or secret",
          "The token endpoint answered with HTTP status " + std::to_string(response->status) + ".",
          "Check the service principal's client id and store its secret again."});
    }
    if (response->status != 200) {
      return finish(Error{
          ErrorCode::kUnavailable, "workspace gives no access token now",
          "The token endpoint answered with HTTP status " + std::to_string(response->status) + ".",
          "Try again later."});
    }
    Result<AccessToken> token = parse_access_token(response->body);
    Secret::wipe(response->body);
    if (!token) return finish(std::move(token).error());
    const std::chrono::seconds margin = std::min(kRenewBefore, token->lifetime / 4);
    {
      const std::lock_guard lock(mutex_);
      token_ = token->token;
      renew_at_ = Clock::now() + token->lifetime - margin;
    }
    finish(std::move(token->token));
  }

  void finish(Result<Secret> token) {
    std::vector<Callback> waiters;
    {
      const std::lock_guard lock(mutex_);
      waiters.swap(waiters_);
    }
    for (const Callback& done : waiters) done(token);
  }

  const ClientCredentials credentials_;
  http::Client& client_;
  std::mutex mutex_;
  std::string endpoint_;
  std::optional<Secret> token_;
  Clock::time_point renew_at_{};
  std::vector<Callback> waiters_;  // not empty: a request is under way
};

}  // namespace

std::shared_ptr<TokenSource> make_static_token_source(Secret token) {
  return std::make_shared<StaticTokenSource>(std::move(token));
}

std::shared_ptr<TokenSource> make_client_credentials_source(ClientCredentials credentials,
                                                            http::Client& client) {
  return std::make_shared<ClientCredentialsSource>(std::move(credentials), client);
}

}  // namespace lakehouse::warehouse::databricks
