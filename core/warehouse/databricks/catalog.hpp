// SPDX-License-Identifier: PostgreSQL
// Tables and columns from a catalog's information_schema. Names are bound as parameters; only the
// catalog's own name stands in the text, quoted.
#pragma once

#include <vector>

#include "core/warehouse/warehouse.hpp"

namespace lakehouse::warehouse::databricks {

Result<std::vector<std::string>> list_tables(Warehouse& warehouse, const TableSelection& selection,
                                             const Context& context);

Result<std::vector<TableDescription>> describe_tables(Warehouse& warehouse,
                                                      const TableSelection& selection,
                                                      const Context& context);

}  // namespace lakehouse::warehouse::databricks
