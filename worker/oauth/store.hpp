// SPDX-License-Identifier: PostgreSQL
// Store: every question the authorization server puts to the database, one statement each. What
// must happen once happens in the SQL function: see extension/sql/51_oauth*.sql.
// Errors are those of db::Connection::query; what may fail by a caller's fault is an outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/db/pool.hpp"
#include "worker/oauth/client.hpp"

namespace lakehouse::worker::oauth {

// A user on the way from the client's request to the consent.
struct SignIn {
  std::string client_id, client_name;
  bool is_document = false;
  std::string redirect_uri;
  std::optional<std::string> state;
  std::vector<std::string> scopes;
  std::string resource, code_challenge;
  std::string tenant;  // slug; empty: the user names it
  std::string email;   // of who signed in; empty before
};

// A browser that holds the cookie of a sign-in's pages.
struct Browser {
  std::string handle_hash, cookie_hash;
};

class Store {
 public:
  explicit Store(db::Pool& pool) : pool_(pool) {}

  Result<std::optional<Client>> find_client(std::string_view id, const Context& context);

  // False if too many came from this address lately.
  Result<bool> begin_sign_in(const Browser& browser, const SignIn& sign_in,
                             std::string_view address, const Context& context);
  // Nothing if it is over, or another browser's.
  Result<std::optional<SignIn>> find_sign_in(const Browser& browser, const Context& context);

  struct Answer {
    std::string outcome;  // admitted, denied, locked, unknown
    std::int64_t retry_seconds = 0;
  };
  Result<Answer> answer_sign_in(const Browser& browser, std::string_view tenant,
                                std::string_view email, std::string_view password,
                                std::string_view address, const Context& context);

  struct Finish {
    std::string outcome;  // granted, denied, unknown
    std::string redirect_uri;
    std::optional<std::string> state;
  };
  // With the hash of a code: the user agreed; without one: refused.
  Result<Finish> finish_sign_in(const Browser& browser, const std::optional<std::string>& code_hash,
                                const Context& context);

  struct Hashes {
    std::string access, refresh;
  };
  struct Issued {
    std::string outcome, scope;
    bool has_refresh_token = false;
  };
  struct CodeClaim {
    std::string code_hash, client_id, redirect_uri, code_challenge;
    std::optional<std::string> resource;
  };
  Result<Issued> redeem_code(const CodeClaim& claim, const Hashes& hashes, const Context& context);

  struct RefreshClaim {
    std::string token_hash, client_id;
    std::optional<std::string> scope, resource;
  };
  Result<Issued> rotate_token(const RefreshClaim& claim, const Hashes& hashes,
                              const Context& context);

  Status revoke_token(std::string_view token_hash, std::string_view client_id,
                      const Context& context);

  Result<bool> is_registration_on(const Context& context);
  struct Registration {
    std::string client_id;  // empty: refused
    std::string refusal;    // off, limited
  };
  Result<Registration> register_client(const Client& client, std::string_view address,
                                       const Context& context);

  // Seconds for which this client's secrets, from this address, are not looked at.
  Result<std::int64_t> client_lock(std::string_view client_id, std::string_view address,
                                   const Context& context);
  Status count_client_failure(std::string_view client_id, std::string_view address,
                              const Context& context);

  Status forget_leftovers(const Context& context);

 private:
  db::Pool& pool_;
};

inline constexpr int kAccessSeconds = 3600;
inline constexpr int kCodeSeconds = 60;

}  // namespace lakehouse::worker::oauth
