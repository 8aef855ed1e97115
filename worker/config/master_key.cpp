// SPDX-License-Identifier: PostgreSQL
// Command, file, or a file of our own making.
#include "worker/config/master_key.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace lakehouse::worker::config {
namespace {

constexpr const char* kOwnDirectory = "/lakehouse";
constexpr const char* kOwnFile = "/master.key";

Result<std::unique_ptr<vault::Vault>> open_own_file(const std::string& data_directory,
                                                    log::Log& log) {
  const std::string directory = data_directory + kOwnDirectory;
  const std::string path = directory + kOwnFile;
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return Error{ErrorCode::kInvalidArgument,
                 "could not create directory \"" + directory + "\": " + std::strerror(errno), "",
                 ""};
  }
  auto is_new = vault::Vault::create_file_if_missing(path);
  if (!is_new) return is_new.error();
  log.write(LogLevel::kWarning,
            "the master key lies in the data directory; move it elsewhere and set "
            "lakehouse.master_key_file or lakehouse.master_key_command",
            {}, {{"path", std::string_view(path)}, {"is_new", *is_new}});
  return vault::Vault::open_file(path);
}

}  // namespace

Result<std::unique_ptr<vault::Vault>> open_vault(const MasterKeySource& source, log::Log& log) {
  if (!source.command.empty()) return vault::Vault::open_command(source.command);
  if (!source.file.empty()) return vault::Vault::open_file(source.file);
  return open_own_file(source.data_directory, log);
}

Result<std::unique_ptr<vault::Vault>> reopen_vault(const MasterKeySource& source) {
  if (const auto file = key_file_of(source)) return vault::Vault::open_file(*file);
  return vault::Vault::open_command(source.command);
}

std::optional<std::string> key_file_of(const MasterKeySource& source) {
  if (!source.command.empty()) return std::nullopt;
  if (!source.file.empty()) return source.file;
  return source.data_directory + kOwnDirectory + kOwnFile;
}

}  // namespace lakehouse::worker::config
