// SPDX-License-Identifier: PostgreSQL
// Keeps a statement that carries a secret out of pg_stat_activity and, where the server lets us,
// out of its log.
#pragma once

namespace lakehouse::client {

// Installs the log hook; called from _PG_init.
void install_discretion();

// From here to the end of the current statement: pg_stat_activity shows `shown_instead`, and log
// lines of this backend carry no statement text.
void hide_current_statement(const char* shown_instead);

}  // namespace lakehouse::client
