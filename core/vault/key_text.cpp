// SPDX-License-Identifier: PostgreSQL
// Checks are made on the open descriptor, so that no one can swap the file after them.
#include "core/vault/key_text.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/scope_exit.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/vault/key_ring.hpp"

namespace lakehouse::vault {
namespace {

constexpr mode_t kOwnerReads = 0400;

// Nothing if the file may be trusted.
Status check_file(const std::string& path, const FileDescriptor& file) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return key_file_system_error(path);
  if (!S_ISREG(facts.st_mode)) {
    return key_file_error(path, "It is not a regular file.",
                          "Name a regular file, not a link to one.");
  }
  if (facts.st_uid != geteuid()) {
    return key_file_error(path, "It belongs to another user.",
                          "Change its owner to the user that runs the worker.");
  }
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return key_file_error(path, "Its group or others have permissions on it.",
                          "Take them away: chmod 0400.");
  }
  if (static_cast<std::size_t>(facts.st_size) > kMaxKeyTextBytes) {
    return key_file_error(path, "It is larger than 16 kB.", "Keep one line per key in it.");
  }
  return kDone;
}

// Reads until the end or until the memory is full; the number of bytes, or -1.
ssize_t read_all(const FileDescriptor& file, std::span<unsigned char> memory) {
  std::size_t size = 0;
  while (size < memory.size()) {
    const ssize_t count = read(file.get(), memory.data() + size, memory.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(size);
}

bool write_all(const FileDescriptor& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Result<KeyText> KeyText::read(const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return key_file_system_error(path);
  if (Status checked = check_file(path, file); !checked) return checked.error();
  auto memory = LockedMemory::allocate(kMaxKeyTextBytes + 1);
  if (!memory) return memory.error();
  const ssize_t size = read_all(file, memory->bytes());
  if (size < 0) return key_file_system_error(path);
  return KeyText(*std::move(memory), static_cast<std::size_t>(size));
}

Status write_key_text(const std::string& path, std::initializer_list<std::string_view> pieces) {
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerReads));
  if (!file.is_open()) return key_file_system_error(path);
  for (const std::string_view piece : pieces) {
    if (!write_all(file, piece)) return key_file_system_error(path);
  }
  if (fsync(file.get()) != 0) return key_file_system_error(path);
  return kDone;
}

Status sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const FileDescriptor directory(
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.is_open() && fsync(directory.get()) == 0) return kDone;
  return key_file_system_error(path);
}

Secret new_key_line(std::uint32_t id) {
  std::array<unsigned char, kAeadKeyBytes> key{};
  const ScopeExit wiping([&key]() noexcept { explicit_bzero(key.data(), key.size()); });
  if (RAND_priv_bytes(key.data(), static_cast<int>(key.size())) != 1) return Secret();
  const Secret hex(to_hex(key));
  std::string line;
  line.reserve(128);  // no growth: a string that grows leaves its old characters behind
  line.append(std::to_string(id)).append(" ").append(hex.reveal()).append("\n");
  return Secret(std::move(line));
}

std::string to_hex(std::span<const unsigned char> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

Error key_file_error(const std::string& path, const std::string& why, const std::string& hint) {
  return {ErrorCode::kUnauthenticated, "could not use master key file \"" + path + "\"", why, hint};
}

Error key_file_system_error(const std::string& path) {
  return key_file_error(path, std::string("The system says: ") + std::strerror(errno) + ".",
                        "Create the file with mode 0400 as the user that runs the worker.");
}

Error no_randomness_error() {
  return {ErrorCode::kInternal, "could not obtain random bytes", "", ""};
}

}  // namespace lakehouse::vault
