// SPDX-License-Identifier: PostgreSQL
// Reads, sends, reports.
#include "worker/command/secret_set.hpp"

#include "worker/command/call.hpp"
#include "worker/command/read_secret.hpp"

namespace lakehouse::worker::command {

Result<std::string> set_secret(const SecretTarget& target, int input,
                               const process::Signals& signals) {
  const std::string name = "\"" + target.connection + "\" of tenant \"" + target.tenant + "\"";
  auto secret = read_secret(input, "Secret for connection " + name + ": ", signals);
  if (!secret) return secret.error();
  wire::StoreSecret request{target.tenant, target.connection, std::string(secret->reveal())};
  auto stored = call_worker<wire::Stored>(target.socket_directory, std::move(request));
  if (!stored) return stored.error();
  return "secret of connection " + name + " stored, version " + std::to_string(stored->version);
}

}  // namespace lakehouse::worker::command
