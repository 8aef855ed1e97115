// SPDX-License-Identifier: PostgreSQL
// IMPORT FOREIGN SCHEMA: remote tables as foreign tables, with their comments.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::fdw {

// The commands PostgreSQL runs. Remembers the comments until the statement ends.
List* import_schema(ImportForeignSchemaStmt* statement, Oid server);

// IMPORT can't carry comments, so a utility hook sets them when the tables are there. Called from
// _PG_init.
void install_import_hook();

}  // namespace lakehouse::fdw
