// SPDX-License-Identifier: PostgreSQL
// Depth first; folders that can't hold a wanted name are not entered.
#include "core/delta/local_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

namespace lakehouse::delta {
namespace {

using Clock = std::chrono::system_clock;

struct Found {
  int directory;  // that holds it
  std::string_view segment;
  const std::string& name;  // from the root on
  const struct stat& facts;
};

struct Walk {
  std::string_view prefix;
  std::function<Status(const Found&)> visit;
  const Context& context;
};

bool can_hold(std::string_view folder, std::string_view prefix) {
  return folder.starts_with(prefix) || prefix.starts_with(folder);
}

Clock::time_point modified(const struct stat& facts) {
  const auto since =
      std::chrono::seconds(facts.st_mtim.tv_sec) + std::chrono::nanoseconds(facts.st_mtim.tv_nsec);
  return Clock::time_point(std::chrono::duration_cast<Clock::duration>(since));
}

Status walk(const Walk& walking, FileDescriptor folder, const std::string& path);

Status enter(const Walk& walking, int parent, const std::string& segment, const std::string& path) {
  constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  FileDescriptor folder(::openat(parent, segment.c_str(), kDirectory));
  if (!folder.is_open() && errno == ENOENT) return kDone;
  if (!folder.is_open()) return system_error("could not open a folder of a table", errno);
  return walk(walking, std::move(folder), path + '/');
}

Status step(const Walk& walking, int parent, const std::string& segment, const std::string& name) {
  struct stat facts {};
  if (::fstatat(parent, segment.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return kDone;
    return system_error("could not read a file's size", errno);
  }
  if (S_ISDIR(facts.st_mode)) {
    return can_hold(name + '/', walking.prefix) ? enter(walking, parent, segment, name) : kDone;
  }
  if (!S_ISREG(facts.st_mode)) return kDone;
  return walking.visit({parent, segment, name, facts});
}

Status walk(const Walk& walking, FileDescriptor folder, const std::string& path) {
  const int number = folder.get();
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(number), ::closedir);
  if (!entries) return system_error("could not list a folder of a table", errno);
  folder.release();
  while (true) {
    if (walking.context.stop.stop_requested()) return cancelled_error();
    errno = 0;
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) break;
    const std::string segment = entry->d_name;
    if (segment == "." || segment == "..") continue;
    if (Status status = step(walking, number, segment, path + segment); !status) return status;
  }
  if (errno != 0) return system_error("could not list a folder of a table", errno);
  return kDone;
}

// A description of its own, for readdir() moves the one it is given.
Status walk_from(const FileDescriptor& root, const Walk& walking) {
  FileDescriptor again(::openat(root.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again.is_open()) return system_error("could not open the folder of a store", errno);
  return walk(walking, std::move(again), "");
}

ErrorCode code_of(int number) {
  switch (number) {
    case ENOENT:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kUnavailable;
  }
}

}  // namespace

Error system_error(std::string_view what, int number) {
  const bool is_full = number == ENOSPC || number == EDQUOT;
  return {code_of(number), std::string(what) + ": " + std::generic_category().message(number), "",
          is_full ? "Free some space where the store lies." : ""};
}

Result<std::vector<StoredFile>> list_files(const FileDescriptor& root, std::string_view prefix,
                                           const Context& context) {
  std::vector<StoredFile> files;
  const auto visit = [&](const Found& found) -> Status {
    if (!found.segment.starts_with(kUnfinished) && found.name.starts_with(prefix)) {
      files.push_back({found.name, found.facts.st_size, modified(found.facts)});
    }
    return kDone;
  };
  if (Status status = walk_from(root, {prefix, visit, context}); !status) {
    return std::move(status).error();
  }
  std::sort(files.begin(), files.end(),
            [](const StoredFile& a, const StoredFile& b) { return a.name < b.name; });
  return files;
}

Result<std::int64_t> unlink_unfinished(const FileDescriptor& root, std::string_view prefix,
                                       Clock::time_point before, const Context& context) {
  std::int64_t removed = 0;
  const auto visit = [&](const Found& found) -> Status {
    if (!found.segment.starts_with(kUnfinished) || !found.name.starts_with(prefix)) return kDone;
    if (modified(found.facts) >= before) return kDone;
    if (::unlinkat(found.directory, std::string(found.segment).c_str(), 0) == 0) {
      ++removed;
    } else if (errno != ENOENT) {
      return system_error("could not remove an unfinished file", errno);
    }
    return kDone;
  };
  if (Status status = walk_from(root, {prefix, visit, context}); !status) {
    return std::move(status).error();
  }
  return removed;
}

}  // namespace lakehouse::delta
