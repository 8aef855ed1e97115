// SPDX-License-Identifier: PostgreSQL
// What all statements of one warehouse share. Statements hold it, so it lives as long as any of
// them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/warehouse/databricks/api.hpp"
#include "core/warehouse/databricks/options.hpp"
#include "core/warehouse/databricks/session.hpp"
#include "core/warehouse/parse_pool.hpp"

namespace lakehouse::warehouse::databricks {

struct Workspace {
  Workspace(Options given, http::Client& client, std::shared_ptr<TokenSource> tokens,
            ParsePool& parse_pool)
      : options(std::move(given)),
        api(std::make_shared<Api>(options.workspace_url, std::move(tokens), client)),
        session(api, options),
        pool(parse_pool) {}
  ~Workspace() { session.close(); }

  const Options options;
  const std::shared_ptr<Api> api;
  Session session;
  ParsePool& pool;
  std::atomic<bool> allows_links{true};  // false once the workspace refused EXTERNAL_LINKS
};

}  // namespace lakehouse::warehouse::databricks
