// SPDX-License-Identifier: PostgreSQL
// The Warehouse itself and the check of its options.
#include <algorithm>

#include "core/warehouse/databricks/catalog.hpp"
#include "core/warehouse/databricks/launch.hpp"
#include "core/warehouse/databricks/options.hpp"
#include "core/warehouse/databricks/probe.hpp"
#include "core/warehouse/databricks/statement.hpp"
#include "core/warehouse/excerpt.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

class DatabricksWarehouse final : public Warehouse {
 public:
  explicit DatabricksWarehouse(std::shared_ptr<Workspace> workspace)
      : workspace_(std::move(workspace)) {}

  Result<std::unique_ptr<Statement>> submit(Query query, const Context& context) override {
    const auto submitted_at = std::chrono::steady_clock::now();
    Result<Launched> launched =
        launch(workspace_, query, disposition_for(query, *workspace_), context);
    if (!launched) return std::move(launched).error();
    return std::unique_ptr<Statement>(std::make_unique<DatabricksStatement>(
        workspace_, std::move(query), std::move(*launched), submitted_at, context.request_id));
  }

  Result<std::vector<std::string>> list_tables(const TableSelection& selection,
                                               const Context& context) override {
    return databricks::list_tables(*this, completed(selection), context);
  }

  Result<std::vector<TableDescription>> describe_tables(const TableSelection& selection,
                                                        const Context& context) override {
    return databricks::describe_tables(*this, completed(selection), context);
  }

  std::vector<TestStep> test(const Context& context) override {
    return probe(*workspace_, *this, context);
  }

 private:
  // What is left open is the connection's own.
  TableSelection completed(TableSelection selection) const {
    if (selection.catalog.empty()) selection.catalog = workspace_->options.catalog;
    if (selection.schema.empty()) selection.schema = workspace_->options.schema;
    return selection;
  }

  const std::shared_ptr<Workspace> workspace_;
};

Error bad_option(std::string message, std::string hint) {
  return {ErrorCode::kInvalidArgument, std::move(message), "", std::move(hint)};
}

// "https://host[:port]" without a slash behind, or nothing.
std::optional<std::string> origin_of(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::string_view name = url.substr(0, scheme);
  const std::string_view host = url.substr(scheme + 3);
  if ((name != "https" && name != "http") || host.empty()) return std::nullopt;
  const bool is_plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
  if (!is_plain) return std::nullopt;
  return std::string(url);
}

}  // namespace

Result<std::unique_ptr<Warehouse>> connect(Options options, http::Client& client, ParsePool& pool) {
  std::optional<std::string> origin = origin_of(options.workspace_url);
  if (!origin) {
    return bad_option("workspace URL is not usable: " + quoted_excerpt(options.workspace_url),
                      "Give it as https:// and the workspace's host, without a path.");
  }
  options.workspace_url = std::move(*origin);
  if (options.warehouse_id.empty())
    return bad_option("warehouse_id is missing", "Give the SQL warehouse's id.");
  const bool has_client = !options.client_id.empty() && !options.client_secret.is_empty();
  if (options.token.is_empty() && !has_client) {
    return Error{
        ErrorCode::kUnauthenticated, "connection has no secret", "",
        "Store a personal access token, or the client id and secret of a service principal."};
  }
  std::shared_ptr<TokenSource> tokens =
      has_client ? make_client_credentials_source(
                       {options.workspace_url, options.client_id, options.client_secret}, client)
                 : make_static_token_source(options.token);
  auto workspace = std::make_shared<Workspace>(std::move(options), client, std::move(tokens), pool);
  return std::unique_ptr<Warehouse>(std::make_unique<DatabricksWarehouse>(std::move(workspace)));
}

}  // namespace lakehouse::warehouse::databricks
