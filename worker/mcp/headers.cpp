// SPDX-License-Identifier: PostgreSQL
// Each header against the part of the body that it repeats.
#include "worker/mcp/headers.hpp"

#include <algorithm>
#include <array>

#include "core/base/base64.hpp"
#include "worker/json/text.hpp"
#include "worker/mcp/version.hpp"

namespace lakehouse::worker::mcp {
namespace {

constexpr std::string_view kProtocolVersion = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view kClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
constexpr std::string_view kSentinelStart = "=?base64?";
constexpr std::string_view kSentinelEnd = "?=";

// Which member of the parameters a method's Mcp-Name repeats.
struct Named {
  std::string_view method, member;
};
constexpr std::array kNamed{Named{"tools/call", "name"}, Named{"prompts/get", "name"},
                            Named{"resources/read", "uri"}};

RpcError mismatch(std::string message) {
  return {RpcCode::kHeaderMismatch, std::move(message), "", 400};
}

RpcError missing(std::string_view member) {
  return {RpcCode::kInvalidParams, "params._meta must have " + std::string(member), "", 400};
}

const http::Header* find(const http::Request& request, std::string_view name) {
  const auto found = std::ranges::find(request.headers, name, &http::Header::name);
  return found == request.headers.end() ? nullptr : &*found;
}

// Whoever reads the header on the way might take another one than we.
bool is_repeated(const http::Request& request, std::string_view name) {
  return std::ranges::count(request.headers, name, &http::Header::name) > 1;
}

std::optional<RpcError> check_equal(const http::Request& request, std::string_view name,
                                    std::string_view expected) {
  const http::Header* header = find(request, name);
  if (header == nullptr) return mismatch("header " + std::string(name) + " is missing");
  if (is_repeated(request, name)) return mismatch("header " + std::string(name) + " is repeated");
  const auto value = decode_header(header->value);
  if (!value) return mismatch("header " + std::string(name) + " is malformed");
  if (*value != expected) {
    return mismatch("header " + std::string(name) + " differs from the body");
  }
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_primitive(const json::Value& value) {
  using Kind = json::Value::Kind;
  return value.is(Kind::kString) || value.is(Kind::kInteger) || value.is(Kind::kBoolean);
}

}  // namespace

std::optional<RpcError> check_modern(const http::Request& request, const Message& message) {
  const json::Value* meta = message.params.find("_meta");
  if (meta == nullptr || !meta->is(json::Value::Kind::kObject)) return missing(kProtocolVersion);
  const auto version = meta->string(kProtocolVersion);
  if (!version) return missing(kProtocolVersion);
  const json::Value* capabilities = meta->find(kClientCapabilities);
  if (capabilities == nullptr || !capabilities->is(json::Value::Kind::kObject)) {
    return missing(kClientCapabilities);
  }
  if (auto wrong = check_equal(request, "mcp-protocol-version", *version)) return wrong;
  const Version* known = find_version(*version);
  if (known == nullptr || known->era != Era::kModern) return unsupported_version(*version);
  if (auto wrong = check_equal(request, "mcp-method", message.method)) return wrong;
  for (const Named& named : kNamed) {
    if (named.method != message.method) continue;
    const auto name = message.params.string(named.member);
    if (name) return check_equal(request, "mcp-name", *name);
  }
  return std::nullopt;
}

std::optional<RpcError> check_parameters(const http::Request& request, const json::Value& schema,
                                         const json::Value& arguments) {
  for (const json::Member& property : schema.object("properties").members) {
    const auto name = property.value.string("x-mcp-header");
    if (!name) continue;
    const std::string header = "mcp-param-" + lower(*name);
    const json::Value* argument = arguments.find(property.name);
    const bool is_given = argument != nullptr && is_primitive(*argument);
    if (!is_given) {
      if (find(request, header) == nullptr) continue;
      return mismatch("header " + header + " stands for an argument that is not there");
    }
    if (auto wrong = check_equal(request, header, argument->text)) return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> decode_header(std::string_view value) {
  if (!value.starts_with(kSentinelStart) || !value.ends_with(kSentinelEnd) ||
      value.size() < kSentinelStart.size() + kSentinelEnd.size()) {
    return std::string(value);
  }
  value.remove_prefix(kSentinelStart.size());
  value.remove_suffix(kSentinelEnd.size());
  return from_base64(value);
}

RpcError unsupported_version(std::string_view requested) {
  std::vector<std::string> supported;
  for (const Version& version : kVersions) {
    if (version.era == Era::kModern) supported.emplace_back(version.name);
  }
  return {RpcCode::kUnsupportedVersion, "unsupported protocol version",
          json::object(
              {{"supported", json::strings(supported)}, {"requested", json::quoted(requested)}}),
          400};
}

}  // namespace lakehouse::worker::mcp
