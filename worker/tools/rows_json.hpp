// SPDX-License-Identifier: PostgreSQL
// A result as the JSON object that warehouse tools answer with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "worker/db/rows.hpp"

namespace lakehouse::worker::tools {

// The name of a type by its object id.
using TypeName = std::function<std::string(std::uint32_t)>;

// "columns":[{"name","type"}],"rows":[[…]],"row_count":n,"truncated":b: members without braces.
// Cells come as text: numbers stay numbers with all their digits, json is itself, the rest is text.
std::string rows_json(const db::Rows& rows, bool is_truncated, const TypeName& type_name);

}  // namespace lakehouse::worker::tools
