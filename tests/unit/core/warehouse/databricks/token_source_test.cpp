// SPDX-License-Identifier: PostgreSQL
// OAuth tokens: discovery, caching, renewal, one request for many, and the second try after a
// refusal.
#include "core/warehouse/databricks/token_source.hpp"

#include <latch>

#include "core/warehouse/databricks/workspace_fixture.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using http::Method;

const std::string kDiscovery =
    std::string(kOrigin) + "/oidc/.well-known/oauth-authorization-server";
const std::string kEndpoint = std::string(kOrigin) + "/oidc/v1/token";
const std::string kInlineRows = success(manifest(1, 1), R"({"row_count":1,"data_array":[["a"]]})");

Reply token(std::string_view text, int seconds) {
  return json(R"({"access_token":")" + std::string(text) +
              R"(","token_type":"Bearer","expires_in":)" + std::to_string(seconds) + "}");
}

class TokenTest : public Workspaced {
 protected:
  void SetUp() override {
    Options given = options();
    given.token = Secret();
    given.client_id = "robot";
    given.client_secret = Secret("dose-secret");
    connect_with(std::move(given));
    client.script(Method::kGet, kDiscovery,
                  {json(R"({"token_endpoint":"https:\/\/workspace.test\/oidc\/v1\/token"})")});
    client.script(Method::kPost, kEndpoint, {token("t1", 3600), token("t2", 3600)});
    client.script(Method::kPost, kStatements, {json(kInlineRows)});
  }
  std::string bearer_of_last_statement() {
    const auto sent = client.requests(Method::kPost, kStatements);
    return sent.empty() || !sent.back().bearer ? "" : std::string(sent.back().bearer->reveal());
  }
};

TEST_F(TokenTest, gets_a_token_once_for_many_statements) {
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(run(query()).error);
  EXPECT_EQ(bearer_of_last_statement(), "t1");
  const auto asked = client.requests(Method::kPost, kEndpoint);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].body, "grant_type=client_credentials&scope=all-apis");
  ASSERT_TRUE(asked[0].basic);
  EXPECT_EQ(asked[0].basic->reveal(), "robot:dose-secret");
  EXPECT_FALSE(asked[0].bearer);
}

TEST_F(TokenTest, renews_a_token_whose_end_is_near) {
  client.script(Method::kPost, kEndpoint, {token("t1", 0), token("t2", 3600)});
  ASSERT_FALSE(run(query()).error);
  EXPECT_EQ(bearer_of_last_statement(), "t2");
}

TEST_F(TokenTest, tries_once_more_with_a_new_token_after_a_refusal) {
  for (const int status : {401, 403}) {
    client.script(Method::kPost, kEndpoint, {token("t" + std::to_string(status), 3600)});
    client.script(
        Method::kPost, kStatements,
        {refused(status, std::to_string(status), "Token is expired."), json(kInlineRows)});
    ASSERT_FALSE(run(query()).error);
    EXPECT_EQ(bearer_of_last_statement(), "t" + std::to_string(status));
  }
}

TEST_F(TokenTest, tries_only_once_more) {
  client.script(Method::kPost, kStatements, {refused(403, "403", "Invalid access token.")});
  const Outcome outcome = run(query());
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(client.count(Method::kPost, kStatements), 2U);
}

TEST_F(TokenTest, reports_a_refused_client_secret) {
  client.script(Method::kPost, kEndpoint, {json(R"({"error":"invalid_client"})", 401)});
  const Outcome outcome = run(query());
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kUnauthenticated);
  EXPECT_FALSE(outcome.error->hint.empty());
  EXPECT_EQ((outcome.error->message + outcome.error->detail).find("dose-secret"),
            std::string::npos);
}

TEST_F(TokenTest, asks_anew_after_a_failure) {
  client.script(Method::kPost, kEndpoint, {json("", 503), token("t1", 3600)});
  EXPECT_EQ(run(query()).error.value_or(Error{}).code, ErrorCode::kUnavailable);
  EXPECT_FALSE(run(query()).error);
}

TEST_F(TokenTest, never_sends_the_secret_to_another_origin) {
  for (const char* endpoint : {"https://evil.test/oidc/v1/token",
                               "https://workspace.test.evil.test/t", "http://workspace.test/t"}) {
    client.script(Method::kGet, kDiscovery,
                  {json(R"({"token_endpoint":")" + std::string(endpoint) + "\"}")});
    const Outcome outcome = run(query());
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse);
    EXPECT_EQ(client.count(Method::kPost, endpoint), 0U);
  }
}

TEST_F(TokenTest, uses_the_usual_endpoint_without_metadata) {
  client.script(Method::kGet, kDiscovery, {json("", 404)});
  EXPECT_FALSE(run(query()).error);
  EXPECT_EQ(client.count(Method::kPost, kEndpoint), 1U);
}

TEST_F(TokenTest, refuses_an_answer_without_a_token) {
  for (const char* body : {"{}", "", "[1]", R"({"access_token":""})", R"({"access_token":5})"}) {
    client.script(Method::kPost, kEndpoint, {json(body)});
    EXPECT_EQ(run(query()).error.value_or(Error{}).code, ErrorCode::kInvalidResponse) << body;
  }
}

TEST_F(TokenTest, shares_one_request_among_all_who_wait) {
  client.script(Method::kPost, kEndpoint, {held()});
  const auto tokens =
      make_client_credentials_source({std::string(kOrigin), "robot", Secret("s")}, client);
  std::latch all(8);
  for (int i = 0; i < 8; ++i) {
    tokens->get([&](const Result<Secret>& result) {
      EXPECT_TRUE(result);
      all.count_down();
    });
  }
  ASSERT_TRUE(client.release(Method::kPost, kEndpoint, token("t9", 3600)));
  all.wait();
  EXPECT_EQ(client.count(Method::kPost, kEndpoint), 1U);
}

TEST_F(TokenTest, forgets_only_the_token_that_was_refused) {
  const auto tokens =
      make_client_credentials_source({std::string(kOrigin), "robot", Secret("s")}, client);
  const auto get = [&] {
    std::string text;
    std::latch done(1);
    tokens->get([&](const Result<Secret>& result) {
      if (result) text = result->reveal();
      done.count_down();
    });
    done.wait();
    return text;
  };
  EXPECT_EQ(get(), "t1");
  EXPECT_TRUE(tokens->forget(Secret("older")));
  EXPECT_EQ(get(), "t1");
  EXPECT_TRUE(tokens->forget(Secret("t1")));
  EXPECT_EQ(get(), "t2");
}

TEST_F(TokenTest, cancel_frees_a_caller_that_waits_for_a_token) {
  client.script(Method::kPost, kEndpoint, {held()});
  std::stop_source stop;
  Context context = patience();
  context.stop = stop.get_token();
  std::jthread stopper([&] {
    client.wait_for(Method::kPost, kEndpoint, 1);
    stop.request_stop();
  });
  const auto statement = warehouse->submit(query(), context);
  ASSERT_FALSE(statement);
  EXPECT_EQ(statement.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace lakehouse::warehouse::databricks
