// SPDX-License-Identifier: PostgreSQL
// What a client said of itself, and what results carry in which era.
#include "worker/mcp/exchange.hpp"

#include <gtest/gtest.h>

#include "worker/mcp/conversation.hpp"

namespace lakehouse::worker::mcp {
namespace {

Exchange exchange_of(const Version& version, const char* params) {
  Exchange exchange;
  exchange.version = &version;
  exchange.message.id = "1";
  exchange.message.params = *json::parse(params);
  return exchange;
}

TEST(McpExchange, MembersAreAppended) {
  EXPECT_EQ(with_members("{}", "\"a\":1"), "{\"a\":1}");
  EXPECT_EQ(with_members("{ }", "\"a\":1"), "{ \"a\":1}");
  EXPECT_EQ(with_members("{\"b\":2}", "\"a\":1"), "{\"b\":2,\"a\":1}");
  EXPECT_EQ(with_members("{\"b\":{}}", ""), "{\"b\":{}}");
}

TEST(McpExchange, OnlyModernResultsAreMarked) {
  const Exchange modern = exchange_of(kModern, "{}");
  const auto marked = json::parse(complete(modern, R"({"tools":[]})"));
  ASSERT_TRUE(marked);
  EXPECT_EQ(marked->string("resultType"), "complete");
  EXPECT_FALSE(marked->object("_meta").members.empty());
  const auto asking = json::parse(complete(modern, R"({"resultType":"input_required"})"));
  ASSERT_TRUE(asking);
  EXPECT_EQ(asking->string("resultType"), "input_required");
  EXPECT_EQ(complete(exchange_of(kNewestLegacy, "{}"), R"({"tools":[]})"), R"({"tools":[]})");
}

TEST(McpExchange, CapabilitiesComeFromRequestOrHandshake) {
  const Exchange modern = exchange_of(
      kModern, R"({"_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}},)"
               R"("io.modelcontextprotocol/logLevel":"info","progressToken":7}})");
  EXPECT_NE(modern.capabilities().find("sampling"), nullptr);
  EXPECT_EQ(modern.log_level(), "info");
  EXPECT_EQ(modern.progress_token(), "7");
  Exchange legacy = exchange_of(kNewestLegacy, R"({"_meta":{"progressToken":"p"}})");
  legacy.session = Session{"s", &kNewestLegacy, *json::parse(R"({"roots":{}})"), {}, "error"};
  EXPECT_NE(legacy.capabilities().find("roots"), nullptr);
  EXPECT_EQ(legacy.log_level(), "error");
  EXPECT_EQ(legacy.progress_token(), "\"p\"");
}

TEST(McpExchange, MissingCapabilitiesAreNamedAsAnObject) {
  const auto requests =
      json::parse(R"({"a":{"method":"sampling/createMessage"},"b":{"method":"roots/list"}})");
  const auto has_roots = json::parse(R"({"roots":{}})");
  EXPECT_EQ(missing_capabilities(*requests, *has_roots), R"({"sampling":{}})");
  EXPECT_EQ(missing_capabilities(*requests, {}), R"({"sampling":{},"roots":{}})");
}

}  // namespace
}  // namespace lakehouse::worker::mcp
