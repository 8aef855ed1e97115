// SPDX-License-Identifier: PostgreSQL
// The revisions of MCP that are spoken, and what tells them apart.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace lakehouse::worker::mcp {

// Legacy: a handshake and a session. Modern: each request stands for itself.
enum class Era : std::uint8_t { kLegacy, kModern };

struct Version {
  std::string_view name;
  Era era;
  bool has_batches;
};

inline constexpr std::array kVersions{
    Version{"2026-07-28", Era::kModern, false},
    Version{"2025-11-25", Era::kLegacy, false},
    Version{"2025-06-18", Era::kLegacy, false},
    Version{"2025-03-26", Era::kLegacy, true},
};
inline constexpr const Version& kModern = kVersions[0];
inline constexpr const Version& kNewestLegacy = kVersions[1];
// Of a request that names none (2025-11-25, basic/transports, Protocol Version Header).
inline constexpr const Version& kUnnamed = kVersions[3];

// Null: not spoken.
constexpr const Version* find_version(std::string_view name) {
  for (const Version& version : kVersions) {
    if (version.name == name) return &version;
  }
  return nullptr;
}

}  // namespace lakehouse::worker::mcp
