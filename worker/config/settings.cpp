// SPDX-License-Identifier: PostgreSQL
// Reads and checks the launcher's frame.
#include "worker/config/settings.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/wire/codec.hpp"
#include "worker/config/command_line.hpp"
#include "worker/io/readiness.hpp"

namespace lakehouse::worker::config {
namespace {

constexpr std::uint32_t kMaxConfigBytes = 1U << 20U;

Error setting_error(const std::string& name, std::string detail, std::string hint = "") {
  return {ErrorCode::kInvalidArgument, "invalid worker setting \"" + name + "\"", std::move(detail),
          std::move(hint)};
}

Status read_exactly(int input, char* bytes, std::size_t count, const Context& context) {
  std::size_t have = 0;
  while (have < count) {
    const io::Readiness readiness = io::wait_until_ready(input, POLLIN, context);
    if (readiness != io::Readiness::kReady) {
      return io::wait_error(readiness, "reading the worker's settings from standard input");
    }
    const ssize_t got = ::read(input, bytes + have, count - have);
    if (got > 0) have += static_cast<std::size_t>(got);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
      return Error{ErrorCode::kProtocol, "standard input ended before the worker's settings",
                   "The launcher in the server starts this program and sends them.", ""};
    }
  }
  return kDone;
}

Status check_absolute(const std::string& name, const std::string& path) {
  if (!path.empty() && path.front() == '/') return kDone;
  return setting_error(name, "The path \"" + path + "\" is not absolute.");
}

Status check_file(const std::string& name, const std::string& path) {
  if (path.empty()) return kDone;
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode)) return kDone;
  return setting_error(name, "There is no readable file \"" + path + "\".");
}

Status check_data_directory(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return kDone;
  return setting_error("data_directory", "There is no directory \"" + path + "\".");
}

Status check_tls(const Settings& settings) {
  if (settings.tls_certificate_file.empty() == settings.tls_key_file.empty()) return kDone;
  return setting_error(
      "tls_certificate_file", "Certificate and key must be set together.",
      "Set lakehouse.tls_certificate_file and lakehouse.tls_key_file, or neither.");
}

Status check_database(const db::Target& target) {
  if (target.host.empty() || target.port == 0) {
    return setting_error("database_host", "Host and port of the database are needed.");
  }
  if (target.database.empty() || target.user.empty()) {
    return setting_error("database_name", "Name and user of the database are needed.");
  }
  return kDone;
}

// "https://inspector.example.com": scheme and host, as a browser sends it.
Result<std::string> check_origin(std::string origin) {
  std::ranges::transform(origin, origin.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::size_t host = origin.find("://");
  const bool is_sound = host != std::string::npos && host > 0 && host + 3 < origin.size() &&
                        origin.find_first_of("/*?#@ ", host + 3) == std::string::npos;
  if (is_sound) return origin;
  return setting_error("allowed_origins", "\"" + origin + "\" is no origin.",
                       "Write scheme and host alone, for example https://inspector.example.com.");
}

// Where clients come from, and by which ways.
Status read_access(const wire::WorkerConfig& frame, Settings& settings) {
  if (!frame.public_url.empty()) {
    auto url = PublicUrl::parse(frame.public_url);
    if (!url) return url.error();
    settings.public_url = *std::move(url);
  } else if (settings.listen) {
    settings.public_url = PublicUrl::of(*settings.listen, !frame.tls_certificate_file.empty());
  }
  if (!frame.delta_sharing_base_url.empty()) {
    auto url = BaseUrl::parse("lakehouse.delta_sharing_base_url", frame.delta_sharing_base_url);
    if (!url) return url.error();
    settings.sharing_url = *std::move(url);
  }
  for (const std::string& text : frame.allowed_origins) {
    auto origin = check_origin(text);
    if (!origin) return origin.error();
    settings.allowed_origins.push_back(*std::move(origin));
  }
  for (const std::string& text : frame.trusted_proxies) {
    auto network = Network::parse(text);
    if (!network) return network.error();
    settings.trusted_proxies.push_back(*std::move(network));
  }
  return kDone;
}

Status check_all(const Settings& settings) {
  const std::array<Status, 8> checks = {
      check_database(settings.database),
      check_absolute("socket_directory", settings.socket_directory),
      check_absolute("data_directory", settings.master_key.data_directory),
      check_data_directory(settings.master_key.data_directory),
      check_absolute("delta_directory", settings.delta_directory),
      check_tls(settings),
      check_file("master_key_file", settings.master_key.file),
      check_file("ca_file", settings.ca_file),
  };
  for (const Status& check : checks) {
    if (!check) return check;
  }
  return kDone;
}

}  // namespace

Result<Settings> read_settings(int input, const Context& context) {
  std::string raw(wire::kFrameHeaderBytes, '\0');
  if (Status read = read_exactly(input, raw.data(), raw.size(), context); !read) {
    return read.error();
  }
  const auto header = wire::decode_header(raw);
  if (!header || header->type != wire::MessageType::kWorkerConfig ||
      header->body_bytes > kMaxConfigBytes) {
    return Error{ErrorCode::kProtocol, "standard input does not begin with the worker's settings",
                 "", "This program is started by the launcher in the server."};
  }
  std::string body(header->body_bytes, '\0');
  if (Status read = read_exactly(input, body.data(), body.size(), context); !read) {
    return read.error();
  }
  auto frame = wire::decode<wire::WorkerConfig>(body);
  Secret::wipe(body);
  if (!frame) return frame.error();
  return check_settings(*std::move(frame));
}

Result<Settings> check_settings(wire::WorkerConfig frame) {
  Settings settings;
  settings.database = {frame.database_host, frame.database_port, frame.database_name,
                       frame.database_user, Secret(frame.database_password)};
  Secret::wipe(frame.database_password);
  if (!frame.listen.empty()) {
    auto listen = parse_address(frame.listen);
    if (!listen) return listen.error();
    settings.listen = *listen;
  }
  if (Status sound = read_access(frame, settings); !sound) return sound.error();
  auto command = split_command_line(frame.master_key_command);
  if (!command) return setting_error("master_key_command", command.error().message + ".");
  settings.master_key = {*std::move(command), frame.master_key_file, frame.data_directory};
  settings.socket_directory = std::move(frame.socket_directory);
  settings.tls_certificate_file = std::move(frame.tls_certificate_file);
  settings.tls_key_file = std::move(frame.tls_key_file);
  settings.ca_file = std::move(frame.ca_file);
  settings.allowed_private_hosts = std::move(frame.allowed_private_hosts);
  settings.delta_directory = std::move(frame.delta_directory);
  settings.delta_retention = std::chrono::minutes(frame.delta_retention_minutes);
  settings.max_publishes = frame.max_publishes;
  settings.publish_table_timeout = std::chrono::seconds(frame.publish_table_timeout_seconds);
  settings.debug_publish_directory = std::move(frame.debug_publish_directory);
  if (Status sound = check_all(settings); !sound) return sound.error();
  return settings;
}

}  // namespace lakehouse::worker::config
