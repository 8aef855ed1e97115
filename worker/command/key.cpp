// SPDX-License-Identifier: PostgreSQL
// Asks, and lays the keys out as a table.
#include "worker/command/key.hpp"

#include <array>
#include <cstdio>

#include "worker/command/call.hpp"

namespace lakehouse::worker::command {
namespace {

const char* state_of(const wire::ListedKey& key) {
  if (key.is_writing) return "writing";
  if (!key.retired.empty()) return "retired";
  return key.is_here ? "reading" : "missing";
}

std::string line(const char* id, const char* since, const char* state, const char* secrets) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%10s  %-23s  %-7s  %10s\n", id, since, state, secrets);
  return text.data();
}

}  // namespace

Result<std::string> add_key(const std::string& socket_directory) {
  auto added = call_worker<wire::KeyAdded>(socket_directory, wire::AddKey{});
  if (!added) return added.error();
  return "master key " + std::to_string(added->id) +
         " encrypts from now on; copy the key file to its safe place\n";
}

Result<std::string> list_keys(const std::string& socket_directory) {
  auto list = call_worker<wire::KeyList>(socket_directory, wire::ListKeys{});
  if (!list) return list.error();
  return to_text(list->keys);
}

Result<std::string> retire_key(const std::string& socket_directory, std::uint32_t id) {
  auto retired = call_worker<wire::KeyRetired>(socket_directory, wire::RetireKey{id});
  if (!retired) return retired.error();
  return "master key " + std::to_string(id) +
         (retired->is_removed ? " retired and removed from the key file\n"
                              : " retired; now take it away where the key command finds it\n");
}

std::string to_text(const std::vector<wire::ListedKey>& keys) {
  std::string lines = line("id", "since", "state", "secrets");
  for (const wire::ListedKey& key : keys) {
    lines += line(std::to_string(key.id).c_str(), key.since.empty() ? "-" : key.since.c_str(),
                  state_of(key), std::to_string(key.secrets).c_str());
  }
  return lines;
}

}  // namespace lakehouse::worker::command
