// SPDX-License-Identifier: PostgreSQL
// A statement's way: what is sent, polling, INLINE results, fallbacks, refusals.
#include <thread>

#include "core/warehouse/databricks/workspace_fixture.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using http::Method;
using testing::Test;

const std::string kInlineRows =
    success(manifest(1, 2),
            R"({"row_count":2,"row_offset":0,"chunk_index":0,"data_array":[["a"],[null]]})");

class StatementTest : public Workspaced {};

TEST_F(StatementTest, reads_an_inline_result) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  const Outcome outcome = run(query());
  ASSERT_FALSE(outcome.error) << outcome.error->message << outcome.error->detail;
  EXPECT_EQ(outcome.rows, (std::vector<std::string>{"a", "~"}));
}

TEST_F(StatementTest, polls_until_the_result_is_there) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  client.script(Method::kGet, kOne, {in_state("PENDING"), in_state("RUNNING"), json(kInlineRows)});
  const Outcome outcome = run(query());
  ASSERT_FALSE(outcome.error);
  EXPECT_EQ(outcome.rows.size(), 2U);
  EXPECT_EQ(client.count(Method::kGet, kOne), 3U);
}

TEST_F(StatementTest, sends_everything_escaped_and_bound) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  Query given = query("SELECT '\\\"\n\x01 😀'");
  given.parameters = {{"p1", "STRING", "it's \\ :x -- \"q\""},
                      {"p2", "BIGINT", std::nullopt},
                      {"p3", "STRING", ""}};
  ASSERT_FALSE(run(given).error);
  const auto sent = client.requests(Method::kPost, kStatements);
  ASSERT_EQ(sent.size(), 1U);
  const std::string& body = sent[0].body;
  EXPECT_NE(body.find(R"("statement":"SELECT '\\\"\u000a\u0001 😀'")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"({"name":"p1","type":"STRING","value":"it's \\ :x -- \"q\""})"),
            std::string::npos)
      << body;
  EXPECT_NE(body.find(R"({"name":"p2","type":"BIGINT"})"), std::string::npos) << body;
  EXPECT_NE(body.find(R"({"name":"p3","type":"STRING","value":""})"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("warehouse_id":"w1")"), std::string::npos);
  EXPECT_NE(body.find(R"("catalog":"main","schema":"sales")"), std::string::npos);
  EXPECT_NE(body.find(R"("wait_timeout":"0s")"), std::string::npos);
  EXPECT_NE(body.find(R"("format":"JSON_ARRAY")"), std::string::npos);
  EXPECT_EQ(body.find("dapi-secret"), std::string::npos);
  ASSERT_TRUE(sent[0].bearer);
  EXPECT_EQ(sent[0].bearer->reveal(), "dapi-secret");
  EXPECT_EQ(sent[0].retry, http::Retry::kRefused);
}

TEST_F(StatementTest, asks_for_inline_only_with_a_small_bound) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  Query small = query();
  small.row_bound = 10;
  run(query());
  run(small);
  const auto sent = client.requests(Method::kPost, kStatements);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_NE(sent[0].body.find(R"("disposition":"EXTERNAL_LINKS")"), std::string::npos);
  EXPECT_NE(sent[1].body.find(R"("disposition":"INLINE")"), std::string::npos);
}

TEST_F(StatementTest, reads_further_inline_chunks_by_index) {
  client.script(
      Method::kPost, kStatements,
      {json(success(manifest(2, 2),
                    R"({"row_count":1,"row_offset":0,"chunk_index":0,"next_chunk_index":1,)"
                    R"("next_chunk_internal_link":"https://evil.test/x","data_array":[["a"]]})"))});
  client.script(Method::kGet, chunk_url(1),
                {json(R"({"chunk_index":1,"row_offset":1,"row_count":1,"data_array":[["b"]]})")});
  const Outcome outcome = run(query());
  ASSERT_FALSE(outcome.error) << outcome.error->detail;
  EXPECT_EQ(outcome.rows, (std::vector<std::string>{"a", "b"}));
  for (const auto& request : client.all_requests())
    EXPECT_EQ(request.url.find("evil.test"), std::string::npos);
}

TEST_F(StatementTest, reads_an_empty_result_without_columns) {
  const Outcome outcome = run_answered(json(
      R"({"statement_id":"s-1","status":{"state":"SUCCEEDED"},"manifest":{"format":"JSON_ARRAY","total_chunk_count":0,)"
      R"("total_row_count":0,"truncated":false},"result":{}})"));
  EXPECT_FALSE(outcome.error);
  EXPECT_TRUE(outcome.rows.empty());
}

TEST_F(StatementTest, does_without_a_chunk_count_for_one_chunk) {
  const Outcome outcome = run_answered(json(success(
      R"("manifest":{"schema":{"columns":[{"name":"c1"}]}})", R"({"data_array":[["a"]]})")));
  ASSERT_FALSE(outcome.error) << outcome.error->message;
  EXPECT_EQ(outcome.rows.size(), 1U);
}

TEST_F(StatementTest, refuses_several_chunks_without_their_count) {
  const Outcome outcome =
      run_answered(json(success(R"("manifest":{"schema":{"columns":[{"name":"c1"}]}})",
                                R"({"next_chunk_index":1,"data_array":[["a"]]})")));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse);
}

TEST_F(StatementTest, refuses_a_truncated_result) {
  const Outcome outcome = run_answered(json(success(
      R"("manifest":{"schema":{"columns":[{"name":"c1"}]},"total_chunk_count":1,"truncated":true})",
      R"({"data_array":[["a"]]})")));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kCapExceeded);
  EXPECT_TRUE(outcome.rows.empty());
}

TEST_F(StatementTest, refuses_another_number_of_columns) {
  Query given = query();
  given.columns.resize(2);
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  const Outcome outcome = run(given);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse);
  EXPECT_EQ(outcome.error->detail, "It has 1 columns instead of 2.");
}

TEST_F(StatementTest, refuses_a_row_count_that_is_not_kept) {
  const Outcome outcome =
      run_answered(json(success(manifest(1, 3), R"({"row_count":2,"data_array":[["a"],["b"]]})")));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse);
}

TEST_F(StatementTest, reads_unknown_types_as_text) {
  const Outcome outcome = run_answered(json(success(
      R"("manifest":{"schema":{"columns":[{"name":"c1","type_name":"GEOGRAPHY","type_text":7}]},"total_chunk_count":1})",
      R"({"data_array":[["POINT 1 2"]]})")));
  ASSERT_FALSE(outcome.error);
  EXPECT_EQ(outcome.rows, (std::vector<std::string>{"POINT 1 2"}));
}

TEST_F(StatementTest, refuses_an_answer_truncated_at_any_byte) {
  for (std::size_t size = 0; size < kInlineRows.size(); ++size) {
    const Outcome outcome = run_answered(json(kInlineRows.substr(0, size)));
    ASSERT_TRUE(outcome.error) << size;
    EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse) << size;
  }
}

// Whatever one wrong byte makes of the answer, no row may come out that is not in it.
TEST_F(StatementTest, never_invents_a_row_from_a_damaged_answer) {
  for (std::size_t i = 0; i < kInlineRows.size(); ++i) {
    std::string damaged = kInlineRows;
    damaged[i] = '\x01';
    const Outcome outcome = run_answered(json(damaged));
    ASSERT_TRUE(outcome.error) << i;
    EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse) << i;
  }
}

TEST_F(StatementTest, runs_again_with_links_when_inline_is_too_small) {
  client.script(
      Method::kPost, kStatements,
      {failed("BAD_REQUEST",
              "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a "
              "result size of at most 26214400 bytes. Please execute the statement with "
              "disposition=EXTERNAL_LINKS if you want to download the full result."),
       json(kInlineRows)});
  Query small = query();
  small.row_bound = 10;
  const Outcome outcome = run(small);
  ASSERT_FALSE(outcome.error) << outcome.error->detail;
  EXPECT_EQ(outcome.rows.size(), 2U);
  const auto sent = client.requests(Method::kPost, kStatements);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_NE(sent[1].body.find(R"("disposition":"EXTERNAL_LINKS")"), std::string::npos);
}

TEST_F(StatementTest, runs_again_only_once) {
  client.script(Method::kPost, kStatements,
                {failed("BAD_REQUEST", "Inline byte limit exceeded. EXTERNAL_LINKS")});
  Query small = query();
  small.row_bound = 10;
  const Outcome outcome = run(small);
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kRemoteSql);
  EXPECT_EQ(client.count(Method::kPost, kStatements), 2U);
}

TEST_F(StatementTest, goes_on_inline_where_links_are_disabled) {
  client.script(Method::kPost, kStatements,
                {refused(400, R"("BAD_REQUEST")",
                         "The EXTERNAL_LINKS disposition is disabled for this workspace."),
                 json(kInlineRows)});
  EXPECT_FALSE(run(query()).error);
  EXPECT_FALSE(run(query()).error);
  const auto sent = client.requests(Method::kPost, kStatements);
  ASSERT_EQ(sent.size(), 3U);  // the second query knows
  EXPECT_NE(sent[1].body.find(R"("disposition":"INLINE")"), std::string::npos);
  EXPECT_NE(sent[2].body.find(R"("disposition":"INLINE")"), std::string::npos);
}

TEST_F(StatementTest, refuses_a_statement_above_16_mib_without_sending_it) {
  const Outcome outcome = run(query(std::string((16U << 20U) + 1, 'x')));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client.count(Method::kPost, kStatements), 0U);
}

TEST_F(StatementTest, sends_a_statement_of_16_mib) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  EXPECT_FALSE(run(query(std::string(16U << 20U, 'x'))).error);
}

TEST_F(StatementTest, reports_a_closed_statement_as_a_lost_result) {
  const Outcome outcome = run_answered(in_state("CLOSED"));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kRemoteSql);
  EXPECT_NE(outcome.error->detail.find("s-1"), std::string::npos);
}

TEST_F(StatementTest, reports_a_cancel_by_someone_else) {
  const Outcome outcome = run_answered(in_state("CANCELED"));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kCancelled);
  EXPECT_NE(outcome.error->detail.find("s-1"), std::string::npos);
}

TEST_F(StatementTest, refuses_an_unknown_state) {
  const Outcome outcome = run_answered(in_state("DREAMING"));
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kInvalidResponse);
}

TEST_F(StatementTest, reports_a_lost_poll) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  client.script(Method::kGet, kOne, {failing(ErrorCode::kUnreachable)});
  const Outcome outcome = run(query());
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code, ErrorCode::kUnreachable);
  EXPECT_TRUE(client.wait_for(Method::kPost, kCancel, 1));
}

TEST_F(StatementTest, uses_one_session_for_all_statements) {
  client.script(Method::kPost, kSessions, {json(R"({"session_id":"abc"})")});
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  EXPECT_FALSE(run(query()).error);
  EXPECT_FALSE(run(query()).error);
  const auto opened = client.requests(Method::kPost, kSessions);
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_NE(opened[0].body.find(R"("session_confs":{"TIMEZONE":"UTC","ANSI_MODE":"true"})"),
            std::string::npos);
  for (const auto& request : client.requests(Method::kPost, kStatements)) {
    EXPECT_NE(request.body.find(R"("session_id":"abc")"), std::string::npos);
  }
  warehouse.reset();
  EXPECT_TRUE(client.wait_for(Method::kDelete, kSessions + "/abc?warehouse_id=w1", 1));
}

TEST_F(StatementTest, goes_without_a_session_where_there_are_none) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  EXPECT_FALSE(run(query()).error);
  EXPECT_FALSE(run(query()).error);
  EXPECT_EQ(client.count(Method::kPost, kSessions), 1U);
  EXPECT_EQ(client.requests(Method::kPost, kStatements)[0].body.find("session_id"),
            std::string::npos);
}

TEST_F(StatementTest, asks_for_a_session_again_after_the_warehouse_was_stopped) {
  client.script(Method::kPost, kSessions,
                {refused(400, R"("BAD_REQUEST")", "The warehouse w1 is stopped."),
                 json(R"({"session_id":"abc"})")});
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  const Outcome stopped = run(query());
  ASSERT_TRUE(stopped.error);
  EXPECT_EQ(stopped.error->code, ErrorCode::kUnavailable);
  EXPECT_FALSE(run(query()).error);
  const auto sent = client.requests(Method::kPost, kStatements);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_NE(sent[0].body.find(R"("session_id":"abc")"), std::string::npos);
}

TEST_F(StatementTest, opens_a_new_session_when_the_old_one_has_ended) {
  client.script(Method::kPost, kSessions,
                {json(R"({"session_id":"abc"})"), json(R"({"session_id":"def"})")});
  client.script(Method::kPost, kStatements,
                {refused(404, R"("NOT_FOUND")", "Session abc does not exist."), json(kInlineRows)});
  EXPECT_FALSE(run(query()).error);
  const auto sent = client.requests(Method::kPost, kStatements);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_NE(sent[1].body.find(R"("session_id":"def")"), std::string::npos);
}

TEST_F(StatementTest, counts_what_it_read) {
  client.script(Method::kPost, kStatements, {json(kInlineRows)});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  ASSERT_TRUE((*statement)->wait(patience()));
  while (true) {
    auto batch = (*statement)->next_batch(patience());
    ASSERT_TRUE(batch);
    if (!*batch) break;
  }
  const QueryStats stats = (*statement)->stats();
  EXPECT_EQ(stats.query_id, "s-1");
  EXPECT_EQ(stats.rows, 2U);
  EXPECT_EQ(stats.chunks, 1U);
  EXPECT_EQ(stats.bytes_received, kInlineRows.size());
  EXPECT_GT(stats.remote_time.count(), 0);
}

TEST_F(StatementTest, next_batch_needs_a_wait_before) {
  client.script(Method::kPost, kStatements, {in_state("PENDING")});
  auto statement = warehouse->submit(query(), patience());
  ASSERT_TRUE(statement);
  EXPECT_EQ((*statement)->next_batch(patience()).error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace lakehouse::warehouse::databricks
