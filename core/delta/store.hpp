// SPDX-License-Identifier: PostgreSQL
// Store: where a table's files lie. One interface for a directory and for object stores; what a
// file is to its readers is decided in one step: it is there whole or not at all.
//
// A name is relative, of segments with '/' between; none is empty, "." or "..", or begins with the
// kUnfinished mark; no control characters.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/stream.hpp"

namespace lakehouse::delta {

struct StoredFile {
  std::string name;
  std::int64_t bytes = 0;
  std::chrono::system_clock::time_point modified;
};

// What to do when a file of that name is there already.
enum class IfPresent : std::uint8_t { kReplace, kKeep };

// A file on its way into the store. Destroyed before finish() it leaves nothing behind.
class Upload : public Sink {
 public:
  // Makes the file visible and durable, whole. False: kKeep found another one, which stays. After
  // an error the file may be there or not, never a part of it: ask for it before trying again.
  virtual Result<bool> finish(IfPresent if_present) = 0;
};

// Errors of all: kInvalidArgument (no such name can be), kNotFound, kPermissionDenied, kUnavailable
// (no space, a failing disk or network).
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<std::unique_ptr<Upload>> create(std::string_view name, const Context& context) = 0;
  virtual Result<std::unique_ptr<Source>> open(std::string_view name, const Context& context) = 0;
  // It is no error when there is none.
  virtual Status remove(std::string_view name, const Context& context) = 0;
  // All files whose names begin with `prefix`, sorted by name by bytes.
  virtual Result<std::vector<StoredFile>> list(std::string_view prefix, const Context& context) = 0;
  // Removes a folder in which nothing is. It is no error when something is, or when there is none:
  // object stores have no folders.
  virtual Status remove_folder(std::string_view name, const Context& context);
  // Removes what uploads left behind whose process has died: of names that begin with `prefix`, all
  // older than `age`, which 0 makes all of them. Returns how many.
  virtual Result<std::int64_t> remove_unfinished(std::string_view prefix, std::chrono::seconds age,
                                                 const Context& context) = 0;

  Status put(std::string_view name, std::string_view content, const Context& context);
  // False when the file is there already.
  Result<bool> put_if_absent(std::string_view name, std::string_view content,
                             const Context& context);
  // The whole file. Errors: kCapExceeded (more than `most` bytes).
  Result<std::string> get(std::string_view name, std::size_t most, const Context& context);

 private:
  Result<bool> put(std::string_view name, std::string_view content, IfPresent if_present,
                   const Context& context);
};

// What an upload is called until it is finished; list() leaves such files out.
inline constexpr std::string_view kUnfinished = ".unfinished-";

// Errors: kInvalidArgument.
Status check_name(std::string_view name);

}  // namespace lakehouse::delta
