// SPDX-License-Identifier: PostgreSQL
// The connection test: connect, authenticate, warehouse, query; ends at the first step that fails.
#pragma once

#include <vector>

#include "core/warehouse/databricks/workspace.hpp"
#include "core/warehouse/warehouse.hpp"

namespace lakehouse::warehouse::databricks {

std::vector<TestStep> probe(Workspace& workspace, Warehouse& warehouse, const Context& context);

}  // namespace lakehouse::warehouse::databricks
