// SPDX-License-Identifier: PostgreSQL
// Describing tables and testing a connection.
#include "core/warehouse/databricks/workspace_fixture.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

using http::Method;

const std::string kDiscovery =
    std::string(kOrigin) + "/oidc/.well-known/oauth-authorization-server";

std::string rows(int columns, const std::string& data, int count) {
  return success(R"("manifest":{"schema":{"column_count":)" + std::to_string(columns) +
                     R"(},"total_chunk_count":1,"total_row_count":)" + std::to_string(count) + "}",
                 R"({"data_array":)" + data + "}");
}

class CatalogTest : public Workspaced {
 protected:
  std::string sent() { return client.requests(Method::kPost, kStatements).back().body; }
};

TEST_F(CatalogTest, describes_tables_with_columns_and_comments) {
  client.script(
      Method::kPost, kStatements,
      {json(
          rows(6,
               R"([["customer","The \"customers\"","id","bigint","NO",null],)"
               R"(["customer","The \"customers\"","tags","array<string>","YES","what they like"],)"
               R"(["empty",null,null,null,null,null]])",
               3))});
  const auto tables = warehouse->describe_tables({}, patience());
  ASSERT_TRUE(tables) << tables.error().message;
  ASSERT_EQ(tables->size(), 2U);
  const TableDescription& customer = (*tables)[0];
  EXPECT_EQ(customer.name, "customer");
  EXPECT_EQ(customer.comment, "The \"customers\"");
  ASSERT_EQ(customer.columns.size(), 2U);
  EXPECT_EQ(customer.columns[0].type_text, "bigint");
  EXPECT_FALSE(customer.columns[0].is_nullable);
  EXPECT_EQ(customer.columns[1].comment, "what they like");
  EXPECT_TRUE(customer.columns[1].is_nullable);
  EXPECT_TRUE((*tables)[1].columns.empty());
  EXPECT_EQ(client.count(Method::kPost, kStatements), 1U);
}

TEST_F(CatalogTest, binds_names_and_quotes_the_catalog) {
  client.script(Method::kPost, kStatements,
                {json(rows(6, "[[null,null,null,null,null,null]]", 1))});
  const auto tables =
      warehouse->describe_tables({"ca`t", "sch'ema", NameFilter::kOnly, {"a'b", "c"}}, patience());
  ASSERT_TRUE(tables);
  EXPECT_TRUE(tables->empty());
  EXPECT_NE(sent().find("`ca``t`.information_schema.columns"), std::string::npos);
  EXPECT_NE(sent().find("t.table_name IN (:n0, :n1)"), std::string::npos);
  EXPECT_NE(sent().find(R"({"name":"schema","type":"STRING","value":"sch'ema"})"),
            std::string::npos);
  EXPECT_NE(sent().find(R"({"name":"n0","type":"STRING","value":"a'b"})"), std::string::npos);
}

TEST_F(CatalogTest, excludes_names) {
  client.script(Method::kPost, kStatements, {json(rows(1, R"([["a"],["b"]])", 2))});
  const auto names = warehouse->list_tables({"", "", NameFilter::kExcept, {"c"}}, patience());
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(sent().find("t.table_name NOT IN (:n0)"), std::string::npos);
  EXPECT_NE(sent().find(R"({"name":"schema","type":"STRING","value":"sales"})"), std::string::npos);
}

TEST_F(CatalogTest, tells_a_missing_schema_from_an_empty_one) {
  client.script(Method::kPost, kStatements, {json(rows(1, "[]", 0)), json(rows(1, "[[null]]", 1))});
  const auto missing = warehouse->list_tables({}, patience());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kTableNotFound);
  EXPECT_EQ(missing.error().message, "remote schema \"sales\" does not exist");
  const auto empty = warehouse->list_tables({}, patience());
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->empty());
}

class ProbeTest : public Workspaced {
 protected:
  void SetUp() override {
    Workspaced::SetUp();
    client.script(Method::kGet, kWarehouseUrl, {json(R"({"id":"w1","state":"RUNNING"})")});
    client.script(Method::kPost, kStatements, {json(rows(1, R"([["1"]])", 1))});
  }
  void expect_steps(const std::vector<std::string>& names, bool is_last_ok) {
    const std::vector<TestStep> steps = warehouse->test(patience());
    std::vector<std::string> found;
    for (const TestStep& step : steps) found.push_back(step.step);
    EXPECT_EQ(found, names);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      EXPECT_EQ(steps[i].is_ok, is_last_ok || i + 1 < steps.size());
      EXPECT_FALSE(steps[i].detail.empty());
      EXPECT_EQ(steps[i].detail.find("dapi-secret"), std::string::npos);
    }
  }
};

TEST_F(ProbeTest, passes_every_step) {
  expect_steps({"connect", "authenticate", "warehouse", "query"}, true);
}

TEST_F(ProbeTest, ends_at_a_host_that_is_not_there) {
  client.script(Method::kGet, kDiscovery, {failing(ErrorCode::kUnreachable)});
  expect_steps({"connect"}, false);
}

TEST_F(ProbeTest, ends_at_a_refused_token) {
  client.script(Method::kGet, kWarehouseUrl, {refused(403, "403", "Invalid access token.")});
  expect_steps({"connect", "authenticate"}, false);
}

TEST_F(ProbeTest, ends_at_an_unknown_warehouse) {
  client.script(Method::kGet, kWarehouseUrl,
                {refused(404, R"("RESOURCE_DOES_NOT_EXIST")", "no such thing")});
  expect_steps({"connect", "authenticate", "warehouse"}, false);
}

TEST_F(ProbeTest, ends_at_a_deleted_warehouse) {
  client.script(Method::kGet, kWarehouseUrl, {json(R"({"state":"DELETED"})")});
  expect_steps({"connect", "authenticate", "warehouse"}, false);
}

TEST_F(ProbeTest, starts_a_stopped_warehouse_with_the_query) {
  client.script(Method::kGet, kWarehouseUrl, {json(R"({"state":"STOPPED"})")});
  expect_steps({"connect", "authenticate", "warehouse", "query"}, true);
}

TEST_F(ProbeTest, ends_at_a_query_that_fails) {
  client.script(Method::kPost, kStatements, {failed("BAD_REQUEST", "no")});
  expect_steps({"connect", "authenticate", "warehouse", "query"}, false);
  client.script(Method::kPost, kStatements, {json(rows(1, R"([["2"]])", 1))});
  expect_steps({"connect", "authenticate", "warehouse", "query"}, false);
}

}  // namespace
}  // namespace lakehouse::warehouse::databricks
