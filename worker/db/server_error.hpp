// SPDX-License-Identifier: PostgreSQL
// libpq's failures as Errors. The server's primary message and hint are taken, not its DETAIL,
// which may quote row values.
#pragma once

#include "core/base/error.hpp"
#include "worker/db/batch.hpp"

struct pg_conn;
struct pg_result;

namespace lakehouse::worker::db {

// A connection that could not be made.
Error connect_error(const pg_conn* connection);
// A connection that was there and is no more.
Error lost_error();
// All that the server says of a statement.
Report report_of(const pg_result* result, std::size_t statement);
// A statement that the server refused.
Error server_error(const pg_result* result);

}  // namespace lakehouse::worker::db
