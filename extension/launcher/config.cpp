// SPDX-License-Identifier: PostgreSQL
// Builds the WorkerConfig frame from GUCs, and gives the worker its password.
#include "extension/launcher/config.hpp"

#include <string>

#include "core/wire/codec.hpp"
#include "extension/border/border.hpp"
#include "extension/settings.hpp"
#include "extension/postgres/prelude.hpp"

namespace lakehouse::launcher {
namespace {

constexpr std::size_t kPasswordBytes = 32;

struct Password {
  char hex[kPasswordBytes * 2 + 1];
};

Password make_password() {
  unsigned char raw[kPasswordBytes];
  if (!pg_strong_random(raw, sizeof(raw)))
    ereport(ERROR, (errmsg("could not generate random bytes")));
  Password password{};
  hex_encode(reinterpret_cast<const char*>(raw), sizeof(raw), password.hex);
  explicit_bzero(raw, sizeof(raw));
  return password;
}

// The verifier is made here, so that the password itself is in no statement.
void store_password(const Password& password) {
  StartTransactionCommand();
  SPI_connect();
  PushActiveSnapshot(GetTransactionSnapshot());
  const char* verifier = encrypt_password(PASSWORD_TYPE_SCRAM_SHA_256, kWorkerRole, password.hex);
  const char* command =
      psprintf("ALTER ROLE %s PASSWORD %s", kWorkerRole, quote_literal_cstr(verifier));
  if (SPI_execute(command, false, 0) != SPI_OK_UTILITY) {
    ereport(ERROR, (errmsg("could not set the password of role \"%s\"", kWorkerRole)));
  }
  SPI_finish();
  PopActiveSnapshot();
  CommitTransactionCommand();
}

std::vector<std::string> split_list(const char* text) {
  std::vector<std::string> items;
  std::string item;
  for (const char* at = text;; ++at) {
    if (*at == ',' || *at == '\0') {
      if (!item.empty()) items.push_back(std::move(item));
      item.clear();
      if (*at == '\0') return items;
    } else if (*at != ' ') {
      item += *at;
    }
  }
}

// TCP on a loopback address if the server listens on one: stock pg_hba.conf files ask for a
// password there, while for the socket Debian's asks for a system user of the role's name.
std::string database_host() {
  for (const std::string& address : split_list(ListenAddresses)) {
    if (address == "*" || address == "0.0.0.0" || address == "localhost") return "127.0.0.1";
    if (address == "::") return "::1";
    return address;
  }
  const std::vector<std::string> directories = split_list(Unix_socket_directories);
  return directories.empty() ? "" : directories.front();
}

wire::WorkerConfig from_settings() {
  wire::WorkerConfig config;
  config.database_host = database_host();
  config.database_port = static_cast<std::uint16_t>(PostPortNumber);
  config.database_user = kWorkerRole;
  config.listen = settings::listen;
  config.socket_directory = border::call([] { return settings::effective_socket_directory(); });
  config.data_directory = DataDir;
  config.master_key_file = settings::master_key_file;
  config.master_key_command = settings::master_key_command;
  config.tls_certificate_file = settings::tls_certificate_file;
  config.tls_key_file = settings::tls_key_file;
  config.ca_file = settings::ca_file;
  config.allowed_private_hosts = split_list(settings::allowed_private_hosts);
  config.public_url = settings::public_url;
  config.allowed_origins = split_list(settings::allowed_origins);
  config.trusted_proxies = split_list(settings::trusted_proxies);
  config.delta_directory = border::call([] { return settings::effective_delta_directory(); });
  config.delta_retention_minutes = static_cast<std::uint32_t>(settings::delta_retention_minutes);
  config.max_publishes = static_cast<std::uint32_t>(settings::max_publishes);
  config.publish_table_timeout_seconds =
      static_cast<std::uint32_t>(settings::publish_table_timeout_seconds);
  config.debug_publish_directory = settings::debug_publish_directory;
  config.delta_sharing_base_url = settings::delta_sharing_base_url;
  return config;
}

}  // namespace

EncodedConfig make_config(const char* database) {
  Password password = make_password();
  store_password(password);
  MemoryContext target = TopMemoryContext;
  const EncodedConfig encoded = border::serve([&]() -> EncodedConfig {
    wire::WorkerConfig config = from_settings();
    config.database_name = database;
    config.database_password = password.hex;
    std::string frame = wire::encode(config);
    auto* bytes =
        border::call([&] { return static_cast<char*>(MemoryContextAlloc(target, frame.size())); });
    frame.copy(bytes, frame.size());
    explicit_bzero(frame.data(), frame.size());
    explicit_bzero(config.database_password.data(), config.database_password.size());
    return {bytes, frame.size()};
  });
  explicit_bzero(&password, sizeof(password));
  return encoded;
}

unsigned settings_fingerprint() {
  return border::serve([]() -> unsigned {
    const std::string frame = wire::encode(from_settings()) + settings::worker_path;
    return static_cast<unsigned>(std::hash<std::string>{}(frame));
  });
}

}  // namespace lakehouse::launcher
