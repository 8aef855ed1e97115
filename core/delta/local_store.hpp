// SPDX-License-Identifier: PostgreSQL
// LocalStore: a directory as a Store. Nothing outside it is ever touched: names are walked segment
// by segment and no symbolic link below the root is followed. A file is written under another name,
// synchronised, and linked to its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_descriptor.hpp"
#include "core/delta/store.hpp"

namespace lakehouse::delta {

class LocalStore final : public Store {
 public:
  // An absolute path; the directory is made if it is not there, its parent must be.
  static Result<std::unique_ptr<LocalStore>> open_root(const std::string& path);

  Result<std::unique_ptr<Upload>> create(std::string_view name, const Context& context) override;
  Result<std::unique_ptr<Source>> open(std::string_view name, const Context& context) override;
  Status remove(std::string_view name, const Context& context) override;
  Result<std::vector<StoredFile>> list(std::string_view prefix, const Context& context) override;
  Status remove_folder(std::string_view name, const Context& context) override;
  Result<std::int64_t> remove_unfinished(std::string_view prefix, std::chrono::seconds age,
                                         const Context& context) override;

  // A regular file to read from, for those who can send it without copying.
  Result<FileDescriptor> open_file(std::string_view name) const;

 private:
  enum class Missing : bool { kError, kMake };
  // Where a name leads: the directory, open, and the last segment.
  struct Place {
    FileDescriptor directory;
    std::string segment;
  };

  explicit LocalStore(FileDescriptor root) : root_(std::move(root)) {}
  Result<Place> find(std::string_view name, Missing missing) const;

  FileDescriptor root_;
};

}  // namespace lakehouse::delta
