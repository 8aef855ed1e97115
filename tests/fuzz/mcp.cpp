// SPDX-License-Identifier: PostgreSQL
// What an MCP request says twice, in its header and its body, and the sealed texts that clients
// hand back. The input: lines "name: value", an empty line, the body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <unistd.h>

#include "core/base/base64.hpp"
#include "core/vault/vault.hpp"
#include "tests/fuzz/pattern.hpp"
#include "tests/fuzz/require.hpp"
#include "worker/mcp/headers.hpp"
#include "worker/mcp/pages.hpp"
#include "worker/mcp/sealed_state.hpp"
#include "worker/mcp/version.hpp"

namespace lakehouse::worker::mcp {
namespace {

using fuzz::Pattern;
using fuzz::require;

http::Request request_of(std::string_view text) {
  http::Request request;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty()) break;
    const std::size_t colon = std::min(line.find(": "), line.size());
    request.headers.push_back({std::string(line.substr(0, colon)),
                               std::string(line.substr(std::min(colon + 2, line.size())))});
  }
  request.body = text;
  return request;
}

void check_base64(std::string_view text) {
  static const Pattern strict("^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$");
  static const Pattern strict_url("^[A-Za-z0-9_-]*$");
  const auto bytes = from_base64(text);
  require(!bytes || (strict.fits(text) && to_base64(*bytes) == text), "base64 has one form");
  const auto url_bytes = from_base64url(text);
  require(!url_bytes || (strict_url.fits(text) && to_base64url(*url_bytes) == text),
          "base64url has one form");
  require(from_base64(to_base64(text)) == text, "base64 reads what it wrote");
  require(from_base64url(to_base64url(text)) == text, "base64url reads what it wrote");
}

void check_header(std::string_view value) {
  const auto decoded = decode_header(value);
  const bool is_marked = value.starts_with("=?base64?") && value.ends_with("?=") &&
                         value.size() >= std::string_view("=?base64?").size() + 2;
  if (!is_marked) require(decoded == value, "a plain value is itself");
  if (is_marked && decoded) {
    require("=?base64?" + to_base64(*decoded) + "?=" == value, "a value has one encoding");
  }
  require(decode_header("=?base64?" + to_base64(value) + "?=") == value, "any text can be sent");
}

// The value of each header of this name, as a proxy would read it.
bool all_say(const http::Request& request, std::string_view name, std::string_view expected) {
  std::size_t count = 0;
  for (const http::Header& header : request.headers) {
    if (header.name != name) continue;
    ++count;
    if (decode_header(header.value) != expected) return false;
  }
  return count > 0;
}

void check_agreement(const http::Request& request, const Message& message) {
  if (check_modern(request, message)) return;
  require(all_say(request, "mcp-method", message.method), "the header names the method");
  require(all_say(request, "mcp-protocol-version", kModern.name), "the header names the version");
  const auto name = message.params.string("name");
  if (message.method != "tools/call" || !name) return;
  require(all_say(request, "mcp-name", *name), "the header names the tool");

  static const auto schema =
      *json::parse(R"({"properties":{"region":{"x-mcp-header":"Region"},"other":{}}})");
  const json::Value& looked_at = message.params.object("arguments");
  if (check_parameters(request, schema, looked_at)) return;
  // PostgreSQL takes the last of several members of one name.
  const auto raw = json::raw_object(request.body, {"params", "arguments"});
  const auto executed = raw ? json::parse(*raw) : Result<json::Value>(json::Value{});
  require(executed.is_ok(), "arguments are JSON");
  for (const json::Member& member : executed->members) {
    const bool is_text = member.name == "region" && member.value.is(json::Value::Kind::kString);
    require(!is_text || all_say(request, "mcp-param-region", member.value.text),
            "the header has the argument that is executed");
  }
}

void check_request(std::string_view text) {
  const http::Request request = request_of(text);
  for (const http::Header& header : request.headers) check_header(header.value);
  const auto body = json::parse(request.body);
  if (!body) return;
  const auto read = read_message(*body);
  if (const auto* message = std::get_if<Message>(&read)) check_agreement(request, *message);
}

// Whatever cursor a client makes up, the pages behind it come to an end, each item once.
void check_pages(std::string_view text) {
  static const std::string list =
      R"([{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"}])";
  constexpr std::size_t kPageBytes = 30, kMostPages = 5;
  std::string cursor(text), last;
  for (std::size_t pages = 0;; ++pages) {
    require(pages < kMostPages + 1, "pages end");
    const auto page = page_of(list, "name", cursor, kPageBytes);
    if (!page) return require(pages == 0, "our own cursor is good");
    const auto items = json::parse(page->items);
    require(items && items->is(json::Value::Kind::kArray), "a page is a list");
    for (const json::Member& item : items->members) {
      const std::string name(item.value.string("name").value_or(""));
      require(name > last, "items keep their order");
      last = name;
    }
    if (page->next_cursor.empty()) return;
    cursor = page->next_cursor;
  }
}

const vault::Vault& test_vault() {
  static const std::unique_ptr<vault::Vault> opened = [] {
    const std::string path = "/tmp/fuzz_mcp_key_" + std::to_string(::getpid());
    require(vault::Vault::create_file_if_missing(path).is_ok(), "a key can be made");
    auto vault = vault::Vault::open_file(path);
    ::unlink(path.c_str());
    require(vault.is_ok(), "a key can be read");
    return *std::move(vault);
  }();
  return *opened;
}

void check_sealed(std::string_view text) {
  Exchange exchange;
  exchange.caller.tenant_id = "11111111-1111-1111-1111-111111111111";
  exchange.caller.user_id = "22222222-2222-2222-2222-222222222222";
  exchange.message.method = "tools/call";
  const vault::Vault& vault = test_vault();
  require(!open_state(vault, exchange, "tool", text), "what nobody sealed is not ours");
  const auto sealed = seal_state(vault, exchange, "tool", text);
  require(sealed.is_ok(), "any state can be sealed");
  require(open_state(vault, exchange, "tool", *sealed) == text, "a sealed state opens");
  require(!open_state(vault, exchange, "other", *sealed), "for its name alone");
  std::string damaged = *sealed;
  const std::size_t at = text.empty() ? 0 : static_cast<unsigned char>(text[0]) % damaged.size();
  damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
  require(!open_state(vault, exchange, "tool", damaged), "unharmed alone");
  exchange.caller.user_id = exchange.caller.tenant_id;
  require(!open_state(vault, exchange, "tool", *sealed), "for its user alone");
}

}  // namespace
}  // namespace lakehouse::worker::mcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lakehouse::worker::mcp::check_base64(text);
  lakehouse::worker::mcp::check_request(text);
  lakehouse::worker::mcp::check_pages(text);
  lakehouse::worker::mcp::check_sealed(text);
  return 0;
}
