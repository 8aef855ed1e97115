// SPDX-License-Identifier: PostgreSQL
// Results behind presigned links: order, expiry, refusals, and what storage is told.
#include <algorithm>

#include "core/warehouse/databricks/workspace_fixture.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using http::Method;

class LinksTest : public Workspaced {
 protected:
  // Three chunks of one row; the first link comes with the answer, the others by their index.
  void script_three() {
    client.script(Method::kPost, kStatements,
                  {json(success(manifest(3, 3), links(link(0, 0, 1))))});
    for (int i = 0; i < 3; ++i) {
      client.script(Method::kGet, chunk_url(i), {json(links(link(i, i, 1, 1)))});
      for (int round = 0; round < 2; ++round) {
        client.script(Method::kGet, link_url(i, round),
                      {json("[[\"r" + std::to_string(i) + "\"]]")});
      }
    }
  }
  void expect_all_three() {
    const Outcome outcome = run(query());
    ASSERT_FALSE(outcome.error) << outcome.error->message << " " << outcome.error->detail;
    EXPECT_EQ(outcome.rows, (std::vector<std::string>{"r0", "r1", "r2"}));
  }
  Error expect_error() {
    const Outcome outcome = run(query());
    EXPECT_TRUE(outcome.error);
    return outcome.error.value_or(Error{});
  }
};

TEST_F(LinksTest, reads_all_chunks_in_order) {
  script_three();
  expect_all_three();
  EXPECT_EQ(client.count(Method::kGet, chunk_url(0)), 0U);  // its link came with the answer
}

TEST_F(LinksTest, sends_storage_its_headers_and_no_token) {
  script_three();
  expect_all_three();
  int seen = 0;
  for (const auto& request : client.all_requests()) {
    if (request.url.find("storage.test") == std::string::npos) continue;
    ++seen;
    EXPECT_FALSE(request.bearer);
    EXPECT_FALSE(request.basic);
    EXPECT_EQ(request.max_redirects, 0);
    ASSERT_EQ(request.headers.size(), 1U);
    EXPECT_EQ(request.headers[0].name, "x-key");
    EXPECT_EQ(request.headers[0].value.substr(0, 1), "k");
  }
  EXPECT_EQ(seen, 3);
}

TEST_F(LinksTest, uses_all_links_of_one_answer) {
  script_three();
  client.script(Method::kPost, kStatements,
                {json(success(manifest(3, 3),
                              links(link(0, 0, 1) + "," + link(1, 1, 1) + "," + link(2, 2, 1))))});
  expect_all_three();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.count(Method::kGet, chunk_url(i)), 0U);
}

TEST_F(LinksTest, asks_again_for_a_link_that_storage_refuses) {
  for (const int status : {400, 403, 404, 410}) {
    script_three();
    client.script(Method::kGet, link_url(0), {json("<Error>Expired</Error>", status)});
    client.script(Method::kGet, link_url(2, 1), {json("<Error/>", status), json("[[\"r2\"]]")});
    expect_all_three();
  }
}

TEST_F(LinksTest, does_not_begin_with_a_link_that_has_expired) {
  script_three();
  client.script(
      Method::kPost, kStatements,
      {json(success(manifest(3, 3), links(link(0, 0, 1, 0, "2020-01-01T00:00:00.000Z"))))});
  expect_all_three();
  EXPECT_EQ(client.count(Method::kGet, link_url(0, 0)), 0U);
  EXPECT_EQ(client.count(Method::kGet, chunk_url(0)), 1U);
}

TEST_F(LinksTest, gives_up_when_every_link_is_refused) {
  script_three();
  client.script(Method::kGet, link_url(1, 1), {json("no", 403)});
  const Error error = expect_error();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.detail.find("signature"), std::string::npos);
  EXPECT_LE(client.count(Method::kGet, link_url(1, 1)), 5U);
}

TEST_F(LinksTest, refuses_a_link_that_leads_elsewhere) {
  script_three();
  client.script(Method::kGet, link_url(1, 1), {json("", 302)});
  const Error error = expect_error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidResponse);
  EXPECT_FALSE(error.hint.empty());
}

TEST_F(LinksTest, reports_storage_that_can_not_be_reached) {
  script_three();
  client.script(Method::kGet, link_url(1, 1), {failing(ErrorCode::kUnreachable)});
  EXPECT_EQ(expect_error().code, ErrorCode::kUnreachable);
}

TEST_F(LinksTest, refuses_an_answer_for_another_chunk) {
  script_three();
  client.script(Method::kGet, chunk_url(1), {json(links(link(2, 2, 1)))});
  EXPECT_EQ(expect_error().code, ErrorCode::kInvalidResponse);
}

TEST_F(LinksTest, refuses_a_chunk_that_is_not_its_links_size) {
  script_three();
  client.script(Method::kGet, link_url(1, 1), {json(R"([["r1"],["r1"]])")});
  EXPECT_EQ(expect_error().code, ErrorCode::kInvalidResponse);
}

TEST_F(LinksTest, refuses_a_link_that_contradicts_the_manifest) {
  script_three();
  std::string with_chunks = manifest(1, 1);
  with_chunks.insert(
      with_chunks.size() - 1,
      R"(,"chunks":[{"chunk_index":0,"row_offset":0,"row_count":2,"byte_count":9}])");
  client.script(Method::kPost, kStatements, {json(success(with_chunks, links(link(0, 0, 1))))});
  EXPECT_EQ(expect_error().code, ErrorCode::kInvalidResponse);
}

TEST_F(LinksTest, refuses_a_chunk_truncated_at_any_byte) {
  const std::string body = R"([["a\"b"],[null],["ä"]])";
  for (std::size_t size = 0; size < body.size(); ++size) {
    client.script(Method::kPost, kStatements,
                  {json(success(manifest(1, 3), links(link(0, 0, 3))))});
    client.script(Method::kGet, link_url(0), {json(body.substr(0, size))});
    EXPECT_EQ(expect_error().code, ErrorCode::kInvalidResponse) << size;
  }
}

TEST_F(LinksTest, asks_again_for_a_description_that_is_malformed_never) {
  script_three();
  client.script(Method::kGet, chunk_url(1), {json("{\"external_links\":[")});
  EXPECT_EQ(expect_error().code, ErrorCode::kInvalidResponse);
}

TEST_F(LinksTest, reads_a_chunk_much_larger_than_announced) {
  std::string body = "[[\"" + std::string(5'000'000, 'x') + "\"]]";
  client.script(Method::kPost, kStatements,
                {json(success(manifest(2, 2), links(link(0, 0, 1) + "," + link(1, 1, 1))))});
  client.script(Method::kGet, chunk_url(1), {json(links(link(1, 1, 1)))});
  client.script(Method::kGet, link_url(0), {json(body)});
  client.script(Method::kGet, link_url(1), {json(body)});
  client.script(Method::kGet, chunk_url(0), {json(links(link(0, 0, 1)))});
  const Outcome outcome = run(query());
  ASSERT_FALSE(outcome.error) << outcome.error->message;
  EXPECT_EQ(outcome.rows.size(), 2U);
}

TEST_F(LinksTest, reads_many_chunks) {
  constexpr int kChunks = 200;
  client.script(Method::kPost, kStatements,
                {json(success(manifest(kChunks, kChunks), links(link(0, 0, 1))))});
  for (int i = 0; i < kChunks; ++i) {
    client.script(Method::kGet, chunk_url(i), {json(links(link(i, i, 1)))});
    client.script(Method::kGet, link_url(i), {json("[[\"" + std::to_string(i) + "\"]]")});
  }
  const Outcome outcome = run(query());
  ASSERT_FALSE(outcome.error);
  ASSERT_EQ(outcome.rows.size(), static_cast<std::size_t>(kChunks));
  for (int i = 0; i < kChunks; ++i)
    EXPECT_EQ(outcome.rows[static_cast<std::size_t>(i)], std::to_string(i));
}

}  // namespace
}  // namespace lakehouse::warehouse::databricks
