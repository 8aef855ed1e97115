// SPDX-License-Identifier: PostgreSQL
// The worker's settings: one WorkerConfig frame from the launcher, read once, checked field by
// field. There is no configuration file and no environment variable.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/wire/message.hpp"
#include "worker/config/address.hpp"
#include "worker/config/base_url.hpp"
#include "worker/config/network.hpp"
#include "worker/config/public_url.hpp"
#include "worker/db/target.hpp"

namespace lakehouse::worker::config {

// Where the master key comes from: the command if there is one, else the file, else a file made in
// the data directory.
struct MasterKeySource {
  std::vector<std::string> command;  // program and arguments
  std::string file;
  std::string data_directory;
};

struct Settings {
  db::Target database;
  std::optional<Address> listen;  // absent: no HTTP server
  std::string socket_directory;
  MasterKeySource master_key;
  std::string tls_certificate_file, tls_key_file;  // both or none
  std::string ca_file;
  std::vector<std::string> allowed_private_hosts;
  PublicUrl public_url;
  std::vector<std::string> allowed_origins;  // as browsers write them
  std::vector<Network> trusted_proxies;
  std::string delta_directory;  // of published tables; made when first needed
  std::chrono::minutes delta_retention{};
  std::size_t max_publishes = 0;
  std::chrono::seconds publish_table_timeout{};  // 0: no limit
  std::string debug_publish_directory;           // empty: none
  std::optional<BaseUrl> sharing_url;            // absent: no Delta Sharing
};

// Reads exactly one frame, so that the end of the same stream can be watched afterwards. Wipes what
// it read.
Result<Settings> read_settings(int input, const Context& context);

// Errors: kInvalidArgument, naming the setting. Wipes the password in `frame`.
Result<Settings> check_settings(wire::WorkerConfig frame);

}  // namespace lakehouse::worker::config
