// SPDX-License-Identifier: PostgreSQL
// Shares, schemas and tables, page by page. A page's token holds the last name of the page before,
// so that pages stay right when others come and go, and is good for this recipient's list alone.
#include "core/base/base64.hpp"
#include "worker/json/text.hpp"
#include "worker/sharing/parameters.hpp"
#include "worker/sharing/seal.hpp"
#include "worker/sharing/server.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::int64_t kMostResults = 500;
constexpr std::int64_t kPageSeconds = 3 * 24 * 3600;  // as the reference server's

std::string_view parameter(const http::Request& request, std::size_t index) {
  return index < request.parameters.size() ? std::string_view(request.parameters[index])
                                           : std::string_view();
}

std::string share_item(const Store::Named& share) {
  return "{\"name\":" + json::quoted(share.name) + ",\"id\":" + json::quoted(share.id) + "}";
}

std::string schema_item(const Store::Named& schema, std::string_view share) {
  return "{\"name\":" + json::quoted(schema.name) + ",\"share\":" + json::quoted(share) + "}";
}

std::string table_item(const Store::Named& table, std::string_view share) {
  return "{\"name\":" + json::quoted(table.name) + ",\"schema\":" + json::quoted(table.schema) +
         ",\"share\":" + json::quoted(share) + ",\"shareId\":" + json::quoted(table.id) +
         ",\"id\":" + json::quoted(table.table_id) + "}";
}

}  // namespace

http::Response Server::list_shares(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, {}, context);
  if (auto* refused = refusal_of(admitted)) return *std::move(refused);
  const Recipient& recipient = std::get<Admission>(admitted).recipient;
  return list(
      request, {"shares", recipient.id},
      [&](std::string_view after, std::int64_t most) {
        return store_.list_shares(recipient.id, after, most, context);
      },
      share_item, context);
}

http::Response Server::get_share(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, {parameter(request, 0), "", ""}, context);
  if (auto* refused = refusal_of(admitted)) return *std::move(refused);
  const SharedTable& found = std::get<Admission>(admitted).table;
  return json("{\"share\":{\"name\":" + json::quoted(found.share) +
              ",\"id\":" + json::quoted(found.share_id) + "}}\n");
}

http::Response Server::list_schemas(const http::Request& request, const Context& context) {
  auto admitted = gate_.admit(request, {parameter(request, 0), "", ""}, context);
  if (auto* refused = refusal_of(admitted)) return *std::move(refused);
  const auto& [outcome, recipient, found] = std::get<Admission>(admitted);
  return list(
      request, {"schemas", recipient.id + " " + found.share_id},
      [&, share_id = found.share_id](std::string_view after, std::int64_t most) {
        return store_.list_schemas(share_id, after, most, context);
      },
      [share = found.share](const Store::Named& item) { return schema_item(item, share); },
      context);
}

// Of a schema; or of all, where the path names none.
http::Response Server::list_tables(const http::Request& request, const Context& context) {
  const std::string_view schema = parameter(request, 1);
  auto admitted = gate_.admit(request, {parameter(request, 0), schema, ""}, context);
  if (auto* refused = refusal_of(admitted)) return *std::move(refused);
  const auto& [outcome, recipient, found] = std::get<Admission>(admitted);
  return list(
      request, {"tables", recipient.id + " " + found.share_id + " " + std::string(schema)},
      [&, share_id = found.share_id](std::string_view after, std::int64_t most) {
        return store_.list_tables(share_id, schema, after, most, context);
      },
      [share = found.share](const Store::Named& item) { return table_item(item, share); }, context);
}

http::Response Server::list(const http::Request& request, const ListName& name, const Fetch& fetch,
                            const Render& render, const Context& context) {
  auto read = Parameters::read(request);
  if (auto* refused = refusal_of(read)) return *std::move(refused);
  const auto& parameters = std::get<Parameters>(read);
  auto limit = parameters.number("maxResults");
  if (auto* refused = refusal_of(limit)) return *std::move(refused);
  const std::int64_t most =
      std::min(std::get<std::optional<std::int64_t>>(limit).value_or(kMostResults), kMostResults);

  const std::string binding = name.kind + " " + name.scope;
  std::string after;
  if (const auto token = parameters.text("pageToken")) {
    const auto payload = open_token(vault_, *token, binding, now());
    const auto key = payload ? from_base64url(*payload) : std::nullopt;
    if (!key) return invalid_value("pageToken is not one of this list, or too old");
    after = *key;
  }
  auto items = fetch(after, most + 1);  // one more, to know whether there is another page
  if (!items) return failed(items.error(), context);
  const bool has_more = std::ssize(*items) > most;
  if (has_more) items->pop_back();
  std::string body = "{\"items\":[";
  for (const Store::Named& item : *items) {
    if (body.back() != '[') body += ',';
    body += render(item);
  }
  body += ']';
  if (has_more) {
    const std::string& last = items->empty() ? after : items->back().key;
    auto token = seal_token(vault_, to_base64url(last), binding, now() + kPageSeconds);
    if (!token) return failed(token.error(), context);
    body += ",\"nextPageToken\":" + json::quoted(*token);
  }
  return json(body + "}\n");
}

}  // namespace lakehouse::worker::sharing
