// SPDX-License-Identifier: PostgreSQL
// Checks are made on the open descriptor, so that no one can swap the file after them.
#include "core/vault/key_file.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/scope_exit.hpp"
#include "core/base/secret.hpp"
#include "core/vault/file_descriptor.hpp"

namespace lakehouse::vault {
namespace {

constexpr mode_t kOwnerReads = 0400;

Error refused(const std::string& path, const std::string& why, const std::string& hint) {
  return {ErrorCode::kUnauthenticated, "could not use master key file \"" + path + "\"", why, hint};
}

Error system_refused(const std::string& path) {
  return refused(path, std::string("The system says: ") + std::strerror(errno) + ".",
                 "Create the file with mode 0400 as the user that runs the worker.");
}

// Nothing if the file may be trusted.
Status check_file(const std::string& path, const FileDescriptor& file) {
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return system_refused(path);
  if (!S_ISREG(facts.st_mode)) {
    return refused(path, "It is not a regular file.", "Name a regular file, not a link to one.");
  }
  if (facts.st_uid != geteuid()) {
    return refused(path, "It belongs to another user.",
                   "Change its owner to the user that runs the worker.");
  }
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refused(path, "Its group or others have permissions on it.",
                   "Take them away: chmod 0400.");
  }
  if (static_cast<std::size_t>(facts.st_size) > kMaxKeyTextBytes) {
    return refused(path, "It is larger than 16 kB.", "Keep one line per key in it.");
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
  return fsync(file.get()) == 0;
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

// Empty if the system has no randomness.
Secret new_key_text() {
  std::array<unsigned char, kAeadKeyBytes> key{};
  const ScopeExit wiping([&key]() noexcept { explicit_bzero(key.data(), key.size()); });
  if (RAND_priv_bytes(key.data(), static_cast<int>(key.size())) != 1) return Secret();
  const Secret hex(to_hex(key));
  std::string text;
  text.reserve(256);  // no growth: a string that grows leaves its old characters behind
  text.append(
          "# Master keys of Lakehouse: <key id> <64 hexadecimal digits>. Keep a copy elsewhere:\n")
      .append("# without it no stored credential can be read.\n1 ")
      .append(hex.reveal())
      .append("\n");
  return Secret(std::move(text));
}

bool sync_directory(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const FileDescriptor directory(
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.is_open() && fsync(directory.get()) == 0;
}

}  // namespace

Result<KeyRing> read_key_file(const std::string& path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return system_refused(path);
  const Status checked = check_file(path, file);
  if (!checked) return checked.error();
  const auto memory = LockedMemory::allocate(kMaxKeyTextBytes + 1);
  if (!memory) return memory.error();
  const ssize_t size = read_all(file, memory->bytes());
  if (size < 0) return system_refused(path);
  const auto* const text = reinterpret_cast<const char*>(memory->bytes().data());
  auto ring = KeyRing::parse({text, static_cast<std::size_t>(size)});
  if (ring || ring.error().code != ErrorCode::kUnauthenticated) return ring;
  return refused(path, ring.error().detail.empty() ? "It holds no key." : ring.error().detail,
                 ring.error().hint);
}

// A hard link is the one step that both publishes the file and refuses to replace another.
Result<bool> create_key_file_if_missing(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) == 0) return false;
  std::array<unsigned char, 8> suffix{};
  const Secret text = new_key_text();
  if (text.is_empty() || RAND_bytes(suffix.data(), static_cast<int>(suffix.size())) != 1) {
    return Error{ErrorCode::kInternal, "could not obtain random bytes", "", ""};
  }
  const std::string draft = path + "." + to_hex(suffix) + ".tmp";
  FileDescriptor file(
      open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerReads));
  if (!file.is_open()) return system_refused(path);
  const ScopeExit removing([&draft]() noexcept { unlink(draft.c_str()); });
  if (!write_all(file, text.reveal())) return system_refused(path);
  file.close();
  if (link(draft.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) return false;  // another process was faster
    return system_refused(path);
  }
  if (!sync_directory(path)) return system_refused(path);
  return true;
}

}  // namespace lakehouse::vault
