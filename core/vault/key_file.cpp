// SPDX-License-Identifier: PostgreSQL
// Every change is a new file that takes the name of the old one when it is complete and on disk.
#include "core/vault/key_file.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <thread>

#include "core/base/scope_exit.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/vault/key_text.hpp"

namespace lakehouse::vault {
namespace {

constexpr std::string_view kPreface =
    "# Master keys of Lakehouse: <key id> <64 hexadecimal digits>. Keep a copy elsewhere:\n"
    "# without it no stored credential can be read.\n";
// A change takes milliseconds.
constexpr int kLockAttempts = 200;
constexpr std::chrono::milliseconds kLockPause{10};

Result<KeyRing> parse_key_text(const std::string& path, const KeyText& text) {
  auto ring = KeyRing::parse(text.view());
  if (ring || ring.error().code != ErrorCode::kUnauthenticated) return ring;
  return key_file_error(path,
                        ring.error().detail.empty() ? "It holds no key." : ring.error().detail,
                        ring.error().hint);
}

Error change_error(const std::string& path, Error error) {
  error.message = "could not change master key file \"" + path + "\"";
  error.hint =
      "Let the user that runs the worker write into its directory, or change the file yourself: "
      "it is read again within a second.";
  return error;
}

// Two changes at a time would lose one. The directory is locked, since the file is replaced.
Result<FileDescriptor> lock_directory(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  FileDescriptor directory(
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return change_error(path, key_file_system_error(path));
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    if (flock(directory.get(), LOCK_EX | LOCK_NB) == 0) return directory;
    if (errno != EWOULDBLOCK && errno != EINTR) break;
    std::this_thread::sleep_for(kLockPause);
  }
  return change_error(path, key_file_error(path, "Another process holds its directory.", ""));
}

// Under the lock. A draft that lies there is of a process that was killed.
Status replace(const std::string& path, std::initializer_list<std::string_view> pieces) {
  const std::string draft = path + ".new";
  unlink(draft.c_str());
  Status done = write_key_text(draft, pieces);
  if (done && rename(draft.c_str(), path.c_str()) != 0) done = key_file_system_error(path);
  if (done) return sync_directory_of(path);
  unlink(draft.c_str());
  return change_error(path, done.error());
}

// Where the line of `id` begins and ends, with its newline. Every line has been parsed before.
std::pair<std::size_t, std::size_t> line_of(std::string_view text, std::uint32_t id) {
  const std::string start = std::to_string(id) + " ";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = text.find('\n', begin);
    const std::size_t end = newline == std::string_view::npos ? text.size() : newline + 1;
    if (text.substr(begin).starts_with(start)) return {begin, end};
    begin = end;
  }
  return {text.size(), text.size()};
}

}  // namespace

Result<KeyRing> read_key_file(const std::string& path) {
  const auto text = KeyText::read(path);
  if (!text) return text.error();
  return parse_key_text(path, *text);
}

// A hard link is the one step that both publishes the file and refuses to replace another.
Result<bool> create_key_file_if_missing(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) == 0) return false;
  std::array<unsigned char, 8> suffix{};
  const Secret line = new_key_line(1);
  if (line.is_empty() || RAND_bytes(suffix.data(), static_cast<int>(suffix.size())) != 1) {
    return no_randomness_error();
  }
  const std::string draft = path + "." + to_hex(suffix) + ".tmp";
  const ScopeExit removing([&draft]() noexcept { unlink(draft.c_str()); });
  if (!write_key_text(draft, {kPreface, line.reveal()})) return key_file_system_error(path);
  if (link(draft.c_str(), path.c_str()) != 0) {
    if (errno == EEXIST) return false;  // another process was faster
    return key_file_system_error(path);
  }
  if (Status synced = sync_directory_of(path); !synced) return synced.error();
  return true;
}

Result<std::uint32_t> add_key_to_file(const std::string& path, std::uint32_t above) {
  const auto lock = lock_directory(path);
  if (!lock) return lock.error();
  const auto text = KeyText::read(path);
  if (!text) return text.error();
  const auto ring = parse_key_text(path, *text);
  if (!ring) return ring.error();
  const std::uint32_t highest = std::max(above, ring->writing_key_id());
  if (ring->ids().size() == kMaxKeys || highest == std::numeric_limits<std::uint32_t>::max()) {
    return key_file_error(path, "It has no room for another key.",
                          "Retire keys that are not used.");
  }
  const Secret line = new_key_line(highest + 1);
  if (line.is_empty()) return no_randomness_error();
  const std::string_view gap = text->view().ends_with('\n') ? "" : "\n";
  if (Status replaced = replace(path, {text->view(), gap, line.reveal()}); !replaced) {
    return replaced.error();
  }
  return highest + 1;
}

Result<bool> remove_key_from_file(const std::string& path, std::uint32_t id) {
  const auto lock = lock_directory(path);
  if (!lock) return lock.error();
  const auto text = KeyText::read(path);
  if (!text) return text.error();
  const auto ring = parse_key_text(path, *text);
  if (!ring) return ring.error();
  if (!ring->find(id)) return false;
  if (id == ring->writing_key_id()) {
    return key_file_error(path, "Its highest key encrypts new secrets.", "Add another key first.");
  }
  const auto [begin, end] = line_of(text->view(), id);
  const std::string_view before = text->view().substr(0, begin);
  if (Status replaced = replace(path, {before, text->view().substr(end)}); !replaced) {
    return replaced.error();
  }
  return true;
}

}  // namespace lakehouse::vault
