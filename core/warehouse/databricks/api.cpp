// SPDX-License-Identifier: PostgreSQL
// Token → request → answer, as a chain of callbacks that holds no thread.
#include "core/warehouse/databricks/api.hpp"

#include "core/warehouse/databricks/failure.hpp"
#include "core/warehouse/pending.hpp"

namespace lakehouse::warehouse::databricks {

struct Api::Attempt {
  http::Request request;
  Context context;
  Callback done;
  bool is_second = false;
};

Api::Api(std::string workspace_url, std::shared_ptr<TokenSource> tokens, http::Client& client)
    : workspace_url_(std::move(workspace_url)), tokens_(std::move(tokens)), client_(client) {}

void Api::start(http::Method method, std::string_view path, std::string body, http::Retry retry,
                Context context, Callback done) {
  auto attempt = std::make_shared<Attempt>();
  attempt->request.method = method;
  attempt->request.url = workspace_url_ + std::string(path);
  if (!body.empty()) attempt->request.headers.push_back({"Content-Type", "application/json"});
  attempt->request.body = std::move(body);
  attempt->request.retry = retry;
  attempt->context = std::move(context);
  attempt->done = std::move(done);
  send(std::move(attempt));
}

CallResult Api::call(http::Method method, std::string_view path, std::string body,
                     http::Retry retry, const Context& context) {
  auto pending = std::make_shared<Pending<CallResult>>();
  start(method, path, std::move(body), retry, context,
        [pending](CallResult result) { pending->complete(std::move(result)); });
  Result<CallResult> result = pending->wait(context);
  if (result) return std::move(*result);
  return {{}, CallError{std::move(result).error(), 0, {}}};
}

void Api::send(std::shared_ptr<Attempt> attempt) {
  tokens_->get([self = shared_from_this(), attempt](Result<Secret> token) {
    self->on_token(attempt, std::move(token));
  });
}

void Api::on_token(std::shared_ptr<Attempt> attempt, Result<Secret> token) {
  if (!token) return attempt->done({{}, CallError{std::move(token).error(), 0, {}}});
  http::Request request = attempt->request;
  request.bearer = *token;
  client_.start(
      std::move(request), attempt->context,
      [self = shared_from_this(), attempt, token = *token](Result<http::Response> response) {
        self->on_response(attempt, token, std::move(response));
      });
}

void Api::on_response(std::shared_ptr<Attempt> attempt, const Secret& token,
                      Result<http::Response> response) {
  if (!response) return attempt->done({{}, CallError{std::move(response).error(), 0, {}}});
  const int status = response->status;
  if (status >= 200 && status < 300) return attempt->done({std::move(*response), std::nullopt});
  if ((status == 401 || status == 403) && !attempt->is_second && tokens_->forget(token)) {
    attempt->is_second = true;
    return send(std::move(attempt));
  }
  RemoteFailure failure = parse_failure(response->body);
  Error error = error_of_status(status, failure);
  attempt->done({{}, CallError{std::move(error), status, std::move(failure)}});
}

}  // namespace lakehouse::warehouse::databricks
