// SPDX-License-Identifier: PostgreSQL
// A scripted workspace and a connected warehouse, with the addresses and answers that the tests
// repeat.
#pragma once

#include <gtest/gtest.h>

#include "core/warehouse/databricks/options.hpp"
#include "core/warehouse/databricks/scripted_client.hpp"
#include "core/wire/batch_view.hpp"

namespace lakehouse::warehouse::databricks {

inline constexpr std::string_view kOrigin = "https://workspace.test";
inline const std::string kStatements = std::string(kOrigin) + "/api/2.0/sql/statements";
inline const std::string kOne = kStatements + "/s-1";
inline const std::string kCancel = kOne + "/cancel";
inline const std::string kSessions = std::string(kOrigin) + "/api/2.0/sql/sessions";
inline const std::string kWarehouseUrl = std::string(kOrigin) + "/api/2.0/sql/warehouses/w1";

inline std::string link_url(int chunk, int round = 0) {
  return "https://storage.test/chunk" + std::to_string(chunk) +
         "?signature=" + std::to_string(round);
}
inline std::string chunk_url(int chunk) { return kOne + "/result/chunks/" + std::to_string(chunk); }

inline Reply json(std::string body, int status = 200) {
  return {status, std::move(body), false, {}};
}

inline Reply in_state(std::string_view state) {
  return json(R"({"statement_id":"s-1","status":{"state":")" + std::string(state) + R"("}})");
}
inline Reply failed(std::string_view code, std::string_view message,
                    std::string_view sql_state = {}) {
  std::string body = R"({"statement_id":"s-1","status":{"state":"FAILED","error":{"error_code":")" +
                     std::string(code) + R"(","message":")" + std::string(message) + "\"}";
  if (!sql_state.empty()) body += R"(,"sql_state":")" + std::string(sql_state) + '"';
  return json(body + "}}");
}
inline Reply refused(int status, std::string_view code, std::string_view message) {
  return json(
      R"({"error_code":)" + std::string(code) + R"(,"message":")" + std::string(message) + "\"}",
      status);
}

// A success with one text column `c1`.
inline std::string manifest(int chunks, int rows) {
  return R"("manifest":{"format":"JSON_ARRAY","schema":{"column_count":1,"columns":[{"name":"c1","position":0,)"
         R"("type_name":"STRING","type_text":"STRING"}]},"total_chunk_count":)" +
         std::to_string(chunks) + R"(,"total_row_count":)" + std::to_string(rows) +
         R"(,"truncated":false})";
}
inline std::string success(const std::string& manifest_field, const std::string& result) {
  return R"({"statement_id":"s-1","status":{"state":"SUCCEEDED"},)" + manifest_field +
         R"(,"result":)" + result + "}";
}
inline std::string link(int chunk, int row_offset, int rows, int round = 0,
                        std::string_view expiration = "2999-01-01T00:00:00.000Z") {
  return R"({"chunk_index":)" + std::to_string(chunk) + R"(,"row_offset":)" +
         std::to_string(row_offset) + R"(,"row_count":)" + std::to_string(rows) +
         R"(,"byte_count":100,"external_link":")" + link_url(chunk, round) + R"(","expiration":")" +
         std::string(expiration) + R"(","http_headers":{"x-key":"k)" + std::to_string(chunk) +
         R"("}})";
}
inline std::string links(const std::string& items) {
  return R"({"external_links":[)" + items + "]}";
}

struct Outcome {
  std::vector<std::string> rows;  // the first column, as text; NULL as ~
  std::optional<Error> error;
};

class Workspaced : public testing::Test {
 protected:
  static Options options() {
    Options options;
    options.workspace_url = std::string(kOrigin) + "/";
    options.warehouse_id = "w1";
    options.catalog = "main";
    options.schema = "sales";
    options.token = Secret("dapi-secret");
    return options;
  }

  void connect_with(Options given) {
    auto connected = connect(std::move(given), client, pool);
    ASSERT_TRUE(connected) << connected.error().message;
    warehouse = std::move(*connected);
  }
  void SetUp() override { connect_with(options()); }

  static Query query(std::string statement = "SELECT c1 FROM t") {
    Query query;
    query.statement = std::move(statement);
    query.columns.resize(1);
    return query;
  }

  static Context patience() {
    Context context;
    context.deadline = Deadline::in(std::chrono::seconds(30));
    return context;
  }

  // Submits, waits, reads to the end.
  Outcome run(Query given) {
    Outcome outcome;
    auto statement = warehouse->submit(std::move(given), patience());
    if (!statement) return outcome.error = statement.error(), outcome;
    if (Status status = (*statement)->wait(patience()); !status)
      return outcome.error = status.error(), outcome;
    for (;;) {
      auto batch = (*statement)->next_batch(patience());
      if (!batch) return outcome.error = batch.error(), outcome;
      if (!*batch) return outcome;
      const auto view = wire::BatchView::parse((*batch)->bytes, {wire::CellType::kText});
      EXPECT_TRUE(view);
      for (std::uint32_t row = 0; row < view->row_count(); ++row) {
        outcome.rows.push_back(view->is_null(0, row) ? "~" : std::string(view->payload(0, row)));
      }
    }
  }

  Outcome run_answered(Reply reply) {
    client.script(http::Method::kPost, kStatements, {std::move(reply)});
    return run(query());
  }

  ParsePool pool{2};
  ScriptedClient client;
  std::unique_ptr<Warehouse> warehouse;
};

}  // namespace lakehouse::warehouse::databricks
