// SPDX-License-Identifier: PostgreSQL
// Lists travel as text: scopes with spaces, redirect URIs with line ends, which neither can have.
#include "worker/oauth/store.hpp"

#include <algorithm>

#include "worker/oauth/scope.hpp"

namespace lakehouse::worker::oauth {
namespace {

using db::Value;

constexpr const char* kFindClient =
    "SELECT c.name, coalesce(t.slug, ''), c.secret_hash, array_to_string(c.redirect_uris, E'\\n'), "
    "array_to_string(c.scopes, ' '), (c.kind = 'metadata_document')::int, "
    "(c.revoked_at IS NOT NULL)::int "
    "FROM lakehouse.oauth_clients c LEFT JOIN lakehouse.tenants t ON t.id = c.tenant_id "
    "WHERE c.client_id = $1";
constexpr const char* kBeginSignIn =
    "INSERT INTO lakehouse.oauth_sign_ins (handle_hash, browser_hash, client_id, client_name, "
    "is_document, redirect_uri, state, scopes, resource, code_challenge, tenant) "
    "SELECT $1, $2, $3, $4, $5::int::boolean, $6, $7, string_to_array($8, ' '), $9, $10, "
    "nullif($11, '') "
    "WHERE lakehouse.take_tokens(ARRAY['authorize:' || lakehouse.network_of($12)], ARRAY[600], "
    "ARRAY[600]) = 0";
// Whoever has signed in is still to be found: a user who left in between is not.
constexpr const char* kFindSignIn =
    "SELECT s.client_id, s.client_name, s.is_document::int, s.redirect_uri, s.state, "
    "array_to_string(s.scopes, ' '), s.resource, s.code_challenge, coalesce(t.slug, s.tenant, ''), "
    "coalesce(s.email, '') FROM lakehouse.oauth_sign_ins s "
    "LEFT JOIN lakehouse.tenants t ON t.id = s.tenant_id "
    "WHERE s.handle_hash = $1 AND s.browser_hash = $2 AND s.expires_at > now()";
constexpr const char* kAnswerSignIn =
    "SELECT outcome, coalesce(retry_seconds, 0) "
    "FROM lakehouse.answer_sign_in($1, $2, $3, $4, $5, $6)";
constexpr const char* kFinishSignIn =
    "SELECT outcome, coalesce(redirect_uri, ''), state "
    "FROM lakehouse.finish_sign_in($1, $2, $3, $4)";
constexpr const char* kRedeemCode =
    "SELECT outcome, coalesce(scope, ''), coalesce(has_refresh_token, 0) "
    "FROM lakehouse.redeem_oauth_code($1, $2, $3, $4, $5, $6, $7, $8)";
constexpr const char* kRotateToken =
    "SELECT outcome, coalesce(scope, ''), 1 FROM lakehouse.rotate_oauth_token("
    "$1, $2, string_to_array($3, ' '), $4, $5, $6, $7)";
constexpr const char* kRevokeToken = "SELECT FROM lakehouse.revoke_oauth_token($1, $2)";
constexpr const char* kIsRegistrationOn =
    "SELECT current_setting('lakehouse.oauth_dynamic_registration')";
constexpr const char* kRegister =
    "SELECT coalesce(client_id, ''), coalesce(refusal, '') "
    "FROM lakehouse.register_oauth_client($1, string_to_array($2, E'\\n'), "
    "string_to_array($3, ' '), $4, lakehouse.network_of($5))";
constexpr const char* kClientLock =
    "SELECT lakehouse.lock_seconds('client ' || $1::text || ' ' || lakehouse.network_of($2))";
constexpr const char* kCountClientFailure =
    "SELECT lakehouse.begin_attempt('client ' || $1::text || ' ' || "
    "lakehouse.network_of($2), 10)";
constexpr const char* kForgetLeftovers = "SELECT FROM lakehouse.forget_oauth_leftovers()";

Value text_or_null(const std::optional<std::string>& text) {
  return text ? Value::text(*text) : Value::null();
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

Status status_of(const Result<db::Rows>& rows) {
  if (!rows) return rows.error();
  return kDone;
}

Result<Store::Issued> read_issued(const Result<db::Rows>& rows) {
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Store::Issued issued;
  issued.outcome = row.text();
  issued.scope = row.text();
  issued.has_refresh_token = row.integer() != 0;
  if (Status sound = row.finish(); !sound) return sound.error();
  return issued;
}

}  // namespace

Result<std::optional<Client>> Store::find_client(std::string_view id, const Context& context) {
  auto rows = pool_.query(kFindClient, {Value::text(id)}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return std::optional<Client>();
  db::Row row = rows->row(0);
  Client client;
  client.id = id;
  client.name = row.text();
  client.tenant = row.text();
  client.secret_hash = row.bytes_or_null().value_or("");
  client.redirect_uris = split_lines(row.text());
  client.scopes = split_scopes(row.text());
  client.is_document = row.integer() != 0;
  client.is_revoked = row.integer() != 0;
  if (Status sound = row.finish(); !sound) return sound.error();
  return std::optional<Client>(std::move(client));
}

Result<bool> Store::begin_sign_in(const Browser& browser, const SignIn& sign_in,
                                  std::string_view address, const Context& context) {
  auto rows =
      pool_.query(kBeginSignIn,
                  {Value::bytes(browser.handle_hash), Value::bytes(browser.cookie_hash),
                   Value::text(sign_in.client_id), Value::text(sign_in.client_name),
                   Value::integer(sign_in.is_document ? 1 : 0), Value::text(sign_in.redirect_uri),
                   text_or_null(sign_in.state), Value::text(join_scopes(sign_in.scopes)),
                   Value::text(sign_in.resource), Value::text(sign_in.code_challenge),
                   Value::text(sign_in.tenant), Value::text(address)},
                  context);
  if (!rows) return rows.error();
  return rows->changed_count() == 1;
}

Result<std::optional<SignIn>> Store::find_sign_in(const Browser& browser, const Context& context) {
  auto rows = pool_.query(
      kFindSignIn, {Value::bytes(browser.handle_hash), Value::bytes(browser.cookie_hash)}, context);
  if (!rows) return rows.error();
  if (rows->count() == 0) return std::optional<SignIn>();
  db::Row row = rows->row(0);
  SignIn sign_in;
  sign_in.client_id = row.text();
  sign_in.client_name = row.text();
  sign_in.is_document = row.integer() != 0;
  sign_in.redirect_uri = row.text();
  sign_in.state = row.text_or_null();
  sign_in.scopes = split_scopes(row.text());
  sign_in.resource = row.text();
  sign_in.code_challenge = row.text();
  sign_in.tenant = row.text();
  sign_in.email = row.text();
  if (Status sound = row.finish(); !sound) return sound.error();
  return std::optional<SignIn>(std::move(sign_in));
}

Result<Store::Answer> Store::answer_sign_in(const Browser& browser, std::string_view tenant,
                                            std::string_view email, std::string_view password,
                                            std::string_view address, const Context& context) {
  auto rows = pool_.query(
      kAnswerSignIn,
      {Value::bytes(browser.handle_hash), Value::bytes(browser.cookie_hash), Value::text(tenant),
       Value::text(email), Value::text(password), Value::text(address)},
      context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Answer answer;
  answer.outcome = row.text();
  answer.retry_seconds = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return answer;
}

Result<Store::Finish> Store::finish_sign_in(const Browser& browser,
                                            const std::optional<std::string>& code_hash,
                                            const Context& context) {
  auto rows = pool_.query(
      kFinishSignIn,
      {Value::bytes(browser.handle_hash), Value::bytes(browser.cookie_hash),
       code_hash ? Value::bytes(*code_hash) : Value::null(), Value::integer(kCodeSeconds)},
      context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Finish finish;
  finish.outcome = row.text();
  finish.redirect_uri = row.text();
  finish.state = row.text_or_null();
  if (Status sound = row.finish(); !sound) return sound.error();
  return finish;
}

Result<Store::Issued> Store::redeem_code(const CodeClaim& claim, const Hashes& hashes,
                                         const Context& context) {
  return read_issued(pool_.query(
      kRedeemCode,
      {Value::bytes(claim.code_hash), Value::text(claim.client_id), Value::text(claim.redirect_uri),
       Value::text(claim.code_challenge), text_or_null(claim.resource), Value::bytes(hashes.access),
       Value::integer(kAccessSeconds), Value::bytes(hashes.refresh)},
      context));
}

Result<Store::Issued> Store::rotate_token(const RefreshClaim& claim, const Hashes& hashes,
                                          const Context& context) {
  return read_issued(pool_.query(
      kRotateToken,
      {Value::bytes(claim.token_hash), Value::text(claim.client_id), text_or_null(claim.scope),
       text_or_null(claim.resource), Value::bytes(hashes.access), Value::integer(kAccessSeconds),
       Value::bytes(hashes.refresh)},
      context));
}

Status Store::revoke_token(std::string_view token_hash, std::string_view client_id,
                           const Context& context) {
  return status_of(
      pool_.query(kRevokeToken, {Value::bytes(token_hash), Value::text(client_id)}, context));
}

Result<bool> Store::is_registration_on(const Context& context) {
  auto rows = pool_.query(kIsRegistrationOn, {}, context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  const bool is_on = row.text() == "on";
  if (Status sound = row.finish(); !sound) return sound.error();
  return is_on;
}

Result<Store::Registration> Store::register_client(const Client& client, std::string_view address,
                                                   const Context& context) {
  auto rows = pool_.query(kRegister,
                          {Value::text(client.name), Value::text(join_lines(client.redirect_uris)),
                           Value::text(join_scopes(client.scopes)),
                           client.has_secret() ? Value::bytes(client.secret_hash) : Value::null(),
                           Value::text(address)},
                          context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  Registration registration;
  registration.client_id = row.text();
  registration.refusal = row.text();
  if (Status sound = row.finish(); !sound) return sound.error();
  return registration;
}

Result<std::int64_t> Store::client_lock(std::string_view client_id, std::string_view address,
                                        const Context& context) {
  auto rows = pool_.query(kClientLock, {Value::text(client_id), Value::text(address)}, context);
  if (!rows) return rows.error();
  db::Row row = rows->row(0);
  const std::int64_t seconds = row.integer();
  if (Status sound = row.finish(); !sound) return sound.error();
  return seconds;
}

Status Store::count_client_failure(std::string_view client_id, std::string_view address,
                                   const Context& context) {
  return status_of(
      pool_.query(kCountClientFailure, {Value::text(client_id), Value::text(address)}, context));
}

Status Store::forget_leftovers(const Context& context) {
  return status_of(pool_.query(kForgetLeftovers, {}, context));
}

}  // namespace lakehouse::worker::oauth
