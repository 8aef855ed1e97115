// SPDX-License-Identifier: PostgreSQL
// What counts as a message, and the texts that go out.
#include "worker/mcp/rpc.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::mcp {
namespace {

std::variant<Message, Unreadable> read(std::string_view text) {
  const auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return read_message(*value);
}

TEST(McpRpc, ReadsTheThreeKinds) {
  const auto request = std::get<Message>(
      read(R"({"jsonrpc":"2.0","id":"a\"b","method":"tools/call","params":{"name":"x"}})"));
  EXPECT_EQ(request.kind, MessageKind::kRequest);
  EXPECT_EQ(request.id, R"("a\"b")");
  EXPECT_EQ(request.params.string("name"), "x");
  const auto notification =
      std::get<Message>(read(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"));
  EXPECT_EQ(notification.kind, MessageKind::kNotification);
  const auto response = std::get<Message>(read(R"({"jsonrpc":"2.0","id":7,"result":{}})"));
  EXPECT_EQ(response.kind, MessageKind::kResponse);
  EXPECT_EQ(response.id, "7");
}

TEST(McpRpc, RefusesWhatIsNoMessage) {
  for (const char* text :
       {"1", "[]", R"({"id":1,"method":"ping"})", R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":{},"method":"ping"})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":1,"method":1})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})",
        R"({"jsonrpc":"2.0","result":{}})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})"}) {
    const auto value = read(text);
    ASSERT_TRUE(std::holds_alternative<Unreadable>(value)) << text;
    EXPECT_EQ(std::get<Unreadable>(value).error.http_status, 400);
  }
  const auto value = read(R"({"jsonrpc":"2.0","id":5,"method":"ping","params":[]})");
  EXPECT_EQ(std::get<Unreadable>(value).id, "5");
}

TEST(McpRpc, WritesTexts) {
  EXPECT_EQ(result_text("1", "{}"), R"({"jsonrpc":"2.0","id":1,"result":{}})");
  EXPECT_EQ(error_text("", {RpcCode::kParseError, "no", "", 400}),
            R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}})");
  EXPECT_EQ(error_text("\"x\"", {RpcCode::kInvalidParams, "a\"b", "{}", 200}),
            R"({"jsonrpc":"2.0","id":"x","error":{"code":-32602,"message":"a\"b","data":{}}})");
  EXPECT_EQ(event("{}"), "event: message\ndata: {}\n\n");
}

}  // namespace
}  // namespace lakehouse::worker::mcp
