// SPDX-License-Identifier: PostgreSQL
// Envelope encryption of secrets at rest. AES-256-GCM under a fresh key per record, derived with
// HKDF-SHA-256 (RFC 5869) from a master key, with a key commitment; bound to its row by associated
// data. Holds master keys in locked memory and never gives one out. envelope.hpp shows the layout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/vault/authenticator.hpp"

namespace lakehouse::vault {

// Where a secret lives. Every field is authenticated: an envelope moved to another place does not
// open.
struct Place {
  std::string tenant_id;      // uuid text, lower case
  std::string purpose;        // e.g. "warehouse_connections"
  std::string row_id;         // uuid text, lower case
  std::string column;         // e.g. "secret"
  std::uint64_t version = 0;  // of the row's secret, counted up at each change
};

class Vault {
 public:
  // Key file: lines "<key id> <64 hex digits>", '#' comments; the highest id writes, all read. Must
  // be a regular file owned by this user with no permission for group and others.
  // Errors: kUnauthenticated with a HINT; kOutOfMemory if no memory can be locked.
  static Result<std::unique_ptr<Vault>> open_file(const std::string& path);

  // Runs `command` (absolute path of a program, and arguments; no shell) and reads the same lines
  // from its standard output: at most 5 s and 4 KiB. Errors as open_file.
  static Result<std::unique_ptr<Vault>> open_command(const std::vector<std::string>& command);

  // Creates `path` (0400) with one random key unless it exists. True if it was created.
  static Result<bool> create_file_if_missing(const std::string& path);

  // The id in an envelope's header; nothing if it is no envelope.
  static std::optional<std::uint32_t> key_id_of(std::string_view envelope);

  virtual ~Vault() = default;
  virtual std::uint32_t writing_key_id() const = 0;
  virtual std::vector<std::uint32_t> key_ids() const = 0;  // in no order

  // Errors: kInternal only (no randomness, no memory).
  virtual Result<std::string> seal(const Secret& plaintext, const Place& place) const = 0;
  // Every failure is the same kUnauthenticated error: wrong key, place, version, bit or length.
  virtual Result<Secret> open(std::string_view envelope, const Place& place) const = 0;

  // Tags a tenant's messages for one purpose; the same key id, tenant and purpose give the same
  // tags. Errors: kNotFound (no such master key), kInternal.
  virtual Result<Authenticator> authenticator(std::uint32_t key_id, std::string_view tenant_id,
                                              std::string_view purpose) const = 0;
};

}  // namespace lakehouse::vault
