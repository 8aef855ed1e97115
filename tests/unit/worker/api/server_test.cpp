// SPDX-License-Identifier: PostgreSQL
// Who may use the admin REST, and what it tells of the catalog.
#include "worker/api/server.hpp"

#include "worker/json/value.hpp"
#include "worker/tools/tools_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

// Lets one caller in, or answers as told.
class OneCallerGate final : public oauth::Gate {
 public:
  std::variant<oauth::Identity, http::Response> admit(const http::Request&,
                                                      const std::vector<std::string>& asked,
                                                      const Context&) override {
    EXPECT_TRUE(asked.empty());
    return answer;
  }
  http::Response insufficient_scope(const http::Request&,
                                    const std::vector<std::string>&) const override {
    return http::problem(403, "FORBIDDEN", "scope");
  }
  std::variant<oauth::Identity, http::Response> answer;
};

class AdminRestTest : public ToolsTest {
 protected:
  http::Response get(const std::string& kind) {
    gate_.answer = caller(kind);
    return ask();
  }
  http::Response ask() {
    db::Pool database(target_);
    api::Server server(database, gate_, log_);
    http::Request request;
    request.method = "GET";
    request.path = "/api/v1/admin/agents/tool-catalog";
    return http::Router(server.routes()).answer(std::move(request), within(30s));
  }
  static std::string cache_of(const http::Response& response) {
    for (const http::Header& header : response.headers) {
      if (header.name == "Cache-Control") return header.value;
    }
    return "";
  }
  OneCallerGate gate_;
};

TEST_F(AdminRestTest, shows_an_admin_every_tool_whatever_the_scopes) {
  oauth::Identity admin = caller("admin");
  admin.scopes.clear();
  gate_.answer = admin;
  const http::Response response = ask();
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(cache_of(response), "no-store");
  const auto catalog = json::parse(response.body);
  ASSERT_TRUE(catalog.is_ok());
  EXPECT_EQ(static_cast<std::int64_t>(catalog->members.size()),
            run("SELECT count(*) FROM lakehouse.tools").row(0).integer());
  for (const json::Member& member : catalog->members) {
    const json::Value& tool = member.value;
    EXPECT_TRUE(tool.string("name") && tool.string("scope") && tool.string("kind"));
    EXPECT_NE(tool.find("inputSchema"), nullptr);
  }
}

TEST_F(AdminRestTest, refuses_everybody_else) {
  for (const char* kind : {"member", "readonly", "agent"}) {
    const http::Response response = get(kind);
    EXPECT_EQ(response.status, 403) << kind;
    EXPECT_NE(response.body.find("\"FORBIDDEN\""), std::string::npos) << response.body;
    EXPECT_EQ(response.body.find("inputSchema"), std::string::npos);
  }
}

TEST_F(AdminRestTest, an_admin_of_one_tenant_is_none_of_another) {
  const std::string other = slug_ + "x";
  run("SELECT lakehouse.create_tenant($1)", {db::Value::text(other)});
  oauth::Identity admin = caller("admin");
  admin.tenant = other;
  admin.tenant_id = text("SELECT lakehouse.find_tenant('" + other + "')::text");
  gate_.answer = admin;
  EXPECT_EQ(ask().status, 403);
  run("SELECT lakehouse.drop_tenant($1)", {db::Value::text(other)});
}

TEST_F(AdminRestTest, a_role_taken_away_counts_at_once) {
  ASSERT_EQ(get("admin").status, 200);
  run("REVOKE " + slug_ + "_admin FROM " + caller("admin").role);
  EXPECT_EQ(get("admin").status, 403);
}

TEST_F(AdminRestTest, the_answer_of_the_gate_goes_out_as_it_is) {
  http::Response challenge = http::problem(401, "UNAUTHENTICATED", "an access token is needed");
  challenge.headers = {{"WWW-Authenticate", "Bearer"}};
  gate_.answer = challenge;
  const http::Response response = ask();
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.body, challenge.body);
  EXPECT_EQ(response.headers.front().name, "WWW-Authenticate");
}

TEST_F(AdminRestTest, without_a_database_it_says_so_and_logs_why) {
  gate_.answer = caller("admin");
  target_.port = 1;
  const http::Response response = ask();
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find("\"UNAVAILABLE\""), std::string::npos);
  EXPECT_NE(log_text_.str().find("admin request failed"), std::string::npos);
}

}  // namespace
}  // namespace lakehouse::worker::test
