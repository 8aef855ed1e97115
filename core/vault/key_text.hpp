// SPDX-License-Identifier: PostgreSQL
// The bytes of a key file: read from a file that may be trusted, written whole or not at all.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/vault/locked_memory.hpp"

namespace lakehouse::vault {

class KeyText {
 public:
  // Must be a regular file owned by this user with no permission for group and others.
  // Errors: kUnauthenticated with a HINT, kOutOfMemory.
  static Result<KeyText> read(const std::string& path);

  std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(memory_.bytes().data()), size_};
  }

 private:
  KeyText(LockedMemory memory, std::size_t size) : memory_(std::move(memory)), size_(size) {}

  LockedMemory memory_;
  std::size_t size_;
};

// Writes a new file of mode 0400 and makes sure that it is on disk.
Status write_key_text(const std::string& path, std::initializer_list<std::string_view> pieces);

// After a file has got its name: that the name is on disk too.
Status sync_directory_of(const std::string& path);

// "<id> <64 hexadecimal digits>\n" with a random key. Empty if the system has no randomness.
Secret new_key_line(std::uint32_t id);
std::string to_hex(std::span<const unsigned char> bytes);

Error key_file_error(const std::string& path, const std::string& why, const std::string& hint);
Error key_file_system_error(const std::string& path);  // of errno
Error no_randomness_error();

}  // namespace lakehouse::vault
