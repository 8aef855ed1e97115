// SPDX-License-Identifier: PostgreSQL
// What the server says of a statement, as a caller of a tool reads it.
#pragma once

#include <cstdint>
#include <string>

#include "worker/db/batch.hpp"
#include "worker/tools/invocation.hpp"

namespace lakehouse::worker::tools {

// Whose text the statement is: for a model's every fault of the text is an INVALID_QUERY.
enum class Author : std::uint8_t { kCatalog, kModel };

Failure failure_of(const db::Report& report, Author author);

// The guard's code that a message ends with, `… is refused (CODE)`; empty: it is no refusal.
std::string guard_code_of(const db::Report& report);

}  // namespace lakehouse::worker::tools
