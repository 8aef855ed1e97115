// SPDX-License-Identifier: PostgreSQL
// What each failure of the service becomes.
#include "core/warehouse/databricks/failure.hpp"

#include "core/warehouse/databricks/workspace_fixture.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using http::Method;

class FailureTest : public Workspaced {
 protected:
  Error error_of(Reply reply) {
    const Outcome outcome = run_answered(std::move(reply));
    EXPECT_TRUE(outcome.error);
    return outcome.error.value_or(Error{});
  }
};

TEST_F(FailureTest, maps_the_sqlstate_field) {
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "no table", "42P01")).code, ErrorCode::kTableNotFound);
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "no schema", "42704")).code, ErrorCode::kTableNotFound);
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "no column", "42703")).code, ErrorCode::kColumnNotFound);
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "no right", "42501")).code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "too long", "57014")).code, ErrorCode::kTimeout);
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "by zero", "22012")).code, ErrorCode::kRemoteSql);
}

TEST_F(FailureTest, maps_the_sqlstate_in_the_text) {
  const Error error = error_of(
      failed("BAD_REQUEST", "[TABLE_OR_VIEW_NOT_FOUND] gone. SQLSTATE: 42P01; line 1 pos 14"));
  EXPECT_EQ(error.code, ErrorCode::kTableNotFound);
  EXPECT_FALSE(error.hint.empty());
}

TEST_F(FailureTest, maps_error_codes_without_a_sqlstate) {
  EXPECT_EQ(error_of(failed("DEADLINE_EXCEEDED", "x")).code, ErrorCode::kTimeout);
  EXPECT_EQ(error_of(failed("TEMPORARILY_UNAVAILABLE", "x")).code, ErrorCode::kUnavailable);
  EXPECT_EQ(error_of(failed("UNAUTHENTICATED", "x")).code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(error_of(failed("CANCELLED", "x")).code, ErrorCode::kCancelled);
  EXPECT_EQ(error_of(failed("SOMETHING_NEW", "x")).code, ErrorCode::kRemoteSql);
}

TEST_F(FailureTest, tells_code_sqlstate_statement_and_text) {
  EXPECT_EQ(error_of(failed("BAD_REQUEST", "division by zero", "22012")).detail,
            "Remote error BAD_REQUEST (SQLSTATE 22012, statement s-1): division by zero");
}

TEST_F(FailureTest, bounds_and_cleans_the_text) {
  const Error error =
      error_of(failed("BAD_REQUEST", "a\\u001b[31m\\n" + std::string(5000, 'x'), "22012"));
  EXPECT_LE(error.detail.size(), 1024U);
  for (const char c : error.detail) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST_F(FailureTest, survives_a_failure_without_words) {
  const Error error = error_of(in_state("FAILED"));
  EXPECT_EQ(error.code, ErrorCode::kRemoteSql);
  EXPECT_EQ(error.detail, "Remote error UNKNOWN (statement s-1): ");
}

TEST_F(FailureTest, reads_an_integer_error_code) {
  const Error error = error_of(refused(403, "403", "Invalid access token."));
  EXPECT_EQ(error.code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(error.detail, "Remote error 403: Invalid access token.");
  EXPECT_FALSE(error.hint.empty());
  EXPECT_EQ(error_of(refused(401, "401", "Credential was not sent")).code,
            ErrorCode::kUnauthenticated);
}

TEST_F(FailureTest, tells_a_missing_right_from_a_bad_token) {
  EXPECT_EQ(error_of(refused(403, R"("PERMISSION_DENIED")",
                             "You do not have permission to use the SQL Warehouse."))
                .code,
            ErrorCode::kPermissionDenied);
  EXPECT_EQ(error_of(json("", 403)).code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(error_of(json("<html>Forbidden</html>", 403)).code, ErrorCode::kUnauthenticated);
}

TEST_F(FailureTest, tells_an_unknown_warehouse_from_a_stopped_one) {
  Error error =
      error_of(refused(404, R"("RESOURCE_DOES_NOT_EXIST")", "SQL warehouse w1 does not exist."));
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_NE(error.hint.find("warehouse_id"), std::string::npos);
  error = error_of(refused(400, R"("BAD_REQUEST")", "The warehouse w1 is stopped."));
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_FALSE(error.hint.empty());
  EXPECT_EQ(error_of(refused(400, R"("BAD_REQUEST")", "Warehouse w1 was deleted.")).code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(
      error_of(refused(400, R"("INVALID_PARAMETER_VALUE")", "w1 is not a valid endpoint id.")).code,
      ErrorCode::kNotFound);
}

TEST_F(FailureTest, maps_overload_and_outage_to_unavailable) {
  for (const int status : {429, 500, 502, 503, 504}) {
    const Error error = error_of(json("busy", status));
    EXPECT_EQ(error.code, ErrorCode::kUnavailable) << status;
    EXPECT_NE(error.detail.find(std::to_string(status)), std::string::npos);
  }
}

TEST_F(FailureTest, maps_a_redirect_to_a_wrong_address) {
  EXPECT_EQ(error_of(json("", 302)).code, ErrorCode::kInvalidResponse);
}

TEST_F(FailureTest, maps_another_bad_request_to_remote_sql) {
  EXPECT_EQ(
      error_of(refused(400, R"("INVALID_PARAMETER_VALUE")", "parameter p1 is no BIGINT")).code,
      ErrorCode::kRemoteSql);
}

TEST_F(FailureTest, refuses_a_success_that_is_no_json) {
  EXPECT_EQ(error_of(json("<html>sign in</html>")).code, ErrorCode::kInvalidResponse);
  EXPECT_EQ(error_of(json("[]")).code, ErrorCode::kInvalidResponse);
  EXPECT_EQ(error_of(json(R"({"status":{"state":"SUCCEEDED"}})")).code,
            ErrorCode::kInvalidResponse);
  EXPECT_EQ(error_of(json(R"({"statement_id":"s-1","status":{"state":"SUCCEEDED"}})")).code,
            ErrorCode::kInvalidResponse);
}

TEST_F(FailureTest, never_shows_the_token) {
  const Error error = error_of(refused(403, "403", "Invalid access token."));
  for (const std::string& text : {error.message, error.detail, error.hint}) {
    EXPECT_EQ(text.find("dapi-secret"), std::string::npos);
  }
}

TEST(Connect, refuses_options_that_can_not_be_right) {
  ParsePool pool(1);
  ScriptedClient client;
  const auto code_of = [&](const std::string& url, const std::string& id,
                           const std::string& token) {
    Options options;
    options.workspace_url = url;
    options.warehouse_id = id;
    options.token = Secret(token);
    const auto connected = connect(std::move(options), client, pool);
    return connected ? std::optional<ErrorCode>() : connected.error().code;
  };
  EXPECT_EQ(code_of("https://a.test", "w", "t"), std::nullopt);
  EXPECT_EQ(code_of("https://a.test:8443/", "w", "t"), std::nullopt);
  for (const char* url :
       {"", "a.test", "ftp://a.test", "https://", "https://a.test/path", "https://u@a.test",
        "https://a.test?x=1", "https://a.test#x", "https://a test"}) {
    EXPECT_EQ(code_of(url, "w", "t"), ErrorCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(code_of("https://a.test", "", "t"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of("https://a.test", "w", ""), ErrorCode::kUnauthenticated);
}

}  // namespace
}  // namespace lakehouse::warehouse::databricks
