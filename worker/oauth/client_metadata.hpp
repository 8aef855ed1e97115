// SPDX-License-Identifier: PostgreSQL
// What a client says of itself (RFC 7591, section 2), in a document of its own or when it
// registers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/json/value.hpp"

namespace lakehouse::worker::oauth {

// One to twenty that nobody has to look at; nothing if they are not.
std::optional<std::vector<std::string>> redirects_of(const json::Value& metadata);

// Shown to users: no control characters, not too long, and not blank, else `otherwise`.
std::string shown_name(const json::Value& metadata, std::string_view otherwise);

// Whether the list has this entry. An absent one means the one thing we do.
bool has_or_lacks(const json::Value& metadata, std::string_view key, std::string_view wanted);

}  // namespace lakehouse::worker::oauth
