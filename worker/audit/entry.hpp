// SPDX-License-Identifier: PostgreSQL
// Entry: a record in its place in a tenant's chain, and the bytes that its hash is made over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/vault/authenticator.hpp"
#include "core/wire/message.hpp"

namespace lakehouse::worker::audit {

inline constexpr const char* kPurpose = "audit";  // of the keys in core/vault
inline constexpr std::size_t kHashBytes = vault::kTagSize;

// The end of a chain; seq 0 and zeros: nothing there yet.
struct Head {
  std::int64_t seq = 0;
  std::string hash = std::string(kHashBytes, '\0');
  bool operator==(const Head&) const = default;
};

// As the row has it. Lists are in the form of list_text.
struct Entry {
  std::string tenant_id;
  std::int64_t seq = 0, at_us = 0;
  std::string audit_id, phase, session_role, role, application_name, statement_hash, statement,
      relations;
  std::int64_t policy_epoch = 0;
  std::optional<std::string> code, sqlstate;
  std::int64_t rows = 0, bytes = 0, duration_us = 0;
  std::string remote_query_ids;
  std::int64_t key_id = 0;
  std::string previous_hash, hash;
};

// The record after `head`, not tagged yet.
Entry place_after(const Head& head, const wire::RecordAudit& record, std::uint32_t key_id);

// All columns but the hash, in their order, each with its length. Empty if OpenSSL fails.
std::string hash_of(const Entry& entry, const vault::Authenticator& authenticator);

// A list as one text that no other list has: bounds, then each item after its length in bytes.
// kSelectList of verification.cpp makes the same of a column.
std::string list_text(const std::vector<std::string>& items);

// Nothing for a number that is no wire::AuditPhase.
std::optional<std::string> phase_name(std::uint8_t phase);

}  // namespace lakehouse::worker::audit
