// SPDX-License-Identifier: PostgreSQL
// Api: calls to one workspace, with the bearer token, renewed and tried once more when the service
// refuses it. Returns only answers with a 2xx status; every other one is an Error. Never used for
// presigned links.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/http/client.hpp"
#include "core/warehouse/databricks/answer.hpp"
#include "core/warehouse/databricks/token_source.hpp"

namespace lakehouse::warehouse::databricks {

// What failed, and how the service put it, for callers who can do something about it.
struct CallError {
  Error error;
  int status = 0;  // 0: no answer
  RemoteFailure failure;
};

struct CallResult {
  http::Response response;
  std::optional<CallError> failed;
};

class Api : public std::enable_shared_from_this<Api> {
 public:
  using Callback = std::function<void(CallResult)>;

  Api(std::string workspace_url, std::shared_ptr<TokenSource> tokens, http::Client& client);

  // `path` starts with "/api/". `done` runs exactly once, on any thread.
  void start(http::Method method, std::string_view path, std::string body, http::Retry retry,
             Context context, Callback done);

  // start() and wait; returns at once when the context is stopped.
  CallResult call(http::Method method, std::string_view path, std::string body, http::Retry retry,
                  const Context& context);

  http::Client& client() noexcept { return client_; }
  const std::string& workspace_url() const noexcept { return workspace_url_; }

 private:
  struct Attempt;
  void send(std::shared_ptr<Attempt> attempt);
  void on_token(std::shared_ptr<Attempt> attempt, Result<Secret> token);
  void on_response(std::shared_ptr<Attempt> attempt, const Secret& token,
                   Result<http::Response> response);

  const std::string workspace_url_;
  const std::shared_ptr<TokenSource> tokens_;
  http::Client& client_;
};

}  // namespace lakehouse::warehouse::databricks
