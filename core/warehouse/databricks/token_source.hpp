// SPDX-License-Identifier: PostgreSQL
// Bearer tokens: the personal one as it is, or OAuth access tokens, cached and renewed before they
// expire. Never blocks: many calls that need a token at once share one request for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/secret.hpp"
#include "core/http/client.hpp"

namespace lakehouse::warehouse::databricks {

class TokenSource {
 public:
  using Callback = std::function<void(Result<Secret>)>;
  virtual ~TokenSource() = default;

  // `done` runs exactly once, on any thread, perhaps before get() returns.
  virtual void get(Callback done) = 0;

  // The service refused `token`. True if get() may now bring another one.
  virtual bool forget(const Secret& token) = 0;
};

std::shared_ptr<TokenSource> make_static_token_source(Secret token);

struct ClientCredentials {
  std::string workspace_url;  // an origin
  std::string client_id;
  Secret client_secret;
};

// OAuth 2.0 client credentials (RFC 6749, section 4.4) with the endpoint from RFC 8414 metadata.
std::shared_ptr<TokenSource> make_client_credentials_source(ClientCredentials credentials,
                                                            http::Client& client);

}  // namespace lakehouse::warehouse::databricks
