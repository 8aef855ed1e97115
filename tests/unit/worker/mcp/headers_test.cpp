// SPDX-License-Identifier: PostgreSQL
// A modern request's header and body say the same, or the request is refused.
#include "worker/mcp/headers.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::mcp {
namespace {

constexpr const char* kMeta =
    R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{}},"name":"whoami"})";

struct Case {
  http::Request request;
  Message message;
};

Case call_of(const char* params = kMeta) {
  Case made;
  made.request.headers = {
      {"mcp-protocol-version", "2026-07-28"}, {"mcp-method", "tools/call"}, {"mcp-name", "whoami"}};
  made.message.kind = MessageKind::kRequest;
  made.message.id = "1";
  made.message.method = "tools/call";
  made.message.params = *json::parse(params);
  return made;
}

std::optional<RpcError> check(const Case& made) { return check_modern(made.request, made.message); }

TEST(McpHeaders, AgreeingOnesPass) { EXPECT_FALSE(check(call_of())); }

TEST(McpHeaders, EachMustBeThereAndAgree) {
  for (const char* name : {"mcp-protocol-version", "mcp-method", "mcp-name"}) {
    for (const char* value : {"", "something else", "WHOAMI"}) {
      Case made = call_of();
      std::erase_if(made.request.headers, [&](const auto& header) { return header.name == name; });
      if (*value != '\0') made.request.headers.push_back({name, value});
      const auto error = check(made);
      ASSERT_TRUE(error) << name << " " << value;
      EXPECT_EQ(error->code, RpcCode::kHeaderMismatch);
      EXPECT_EQ(error->http_status, 400);
    }
  }
}

TEST(McpHeaders, NoneMayBeThereTwice) {
  for (const char* name : {"mcp-protocol-version", "mcp-method", "mcp-name"}) {
    Case made = call_of();
    made.request.headers.push_back({name, "something else"});
    const auto error = check(made);
    ASSERT_TRUE(error) << name;
    EXPECT_EQ(error->code, RpcCode::kHeaderMismatch);
  }
}

TEST(McpHeaders, MetaMustNameVersionAndCapabilities) {
  for (const char* params :
       {"{}", R"({"_meta":{}})",
        R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}})",
        R"({"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}})",
        R"({"_meta":{"io.modelcontextprotocol/protocolVersion":1,)"
        R"("io.modelcontextprotocol/clientCapabilities":{}}})"}) {
    const auto error = check(call_of(params));
    ASSERT_TRUE(error) << params;
    EXPECT_EQ(error->code, RpcCode::kInvalidParams);
    EXPECT_EQ(error->http_status, 400);
  }
}

TEST(McpHeaders, AnUnknownVersionIsToldTheKnownOnes) {
  Case made = call_of(R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"v999",)"
                      R"("io.modelcontextprotocol/clientCapabilities":{}}})");
  made.request.headers[0].value = "v999";
  const auto error = check(made);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, RpcCode::kUnsupportedVersion);
  EXPECT_EQ(error->data, R"({"supported":["2026-07-28"],"requested":"v999"})");
}

TEST(McpHeaders, TextThatAHeaderCannotCarryComesInBase64) {
  EXPECT_EQ(decode_header("plain"), "plain");
  EXPECT_EQ(decode_header("=?base64?w6Q=?="), "\xC3\xA4");
  EXPECT_EQ(decode_header("=?base64?w6Q=?"), "=?base64?w6Q=?");
  for (const char* wrong : {"=?base64?w6Q?=", "=?base64?w6Q*?=", "=?base64?w 6Q=?=",
                            "=?base64?w6Q==?=", "=?base64?w6R=?="}) {
    EXPECT_EQ(decode_header(wrong), std::nullopt) << wrong;
  }
}

TEST(McpHeaders, MarkedArgumentsAreRepeated) {
  const auto schema = json::parse(
      R"({"properties":{"region":{"type":"string","x-mcp-header":"Region"},"other":{}}})");
  const auto given = json::parse(R"({"region":"eu-west","other":"x"})");
  const auto none = json::parse("{}");
  http::Request request;
  EXPECT_TRUE(check_parameters(request, *schema, *given));
  EXPECT_FALSE(check_parameters(request, *schema, *none));
  request.headers = {{"mcp-param-region", "eu-west"}};
  EXPECT_FALSE(check_parameters(request, *schema, *given));
  EXPECT_TRUE(check_parameters(request, *schema, *none));
  request.headers[0].value = "us";
  EXPECT_TRUE(check_parameters(request, *schema, *given));
}

}  // namespace
}  // namespace lakehouse::worker::mcp
