// SPDX-License-Identifier: PostgreSQL
// POSIX only. A directory is synchronised after each change of its entries, else a name could be
// lost although its file's bytes are safe.
#include "core/delta/local_store.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "core/delta/local_walk.hpp"

namespace lakehouse::delta {
namespace {

constexpr mode_t kDirectoryMode = 0777;  // less the umask
constexpr mode_t kFileMode = 0666;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Error invalid_target() {
  return {ErrorCode::kInvalidArgument, "a file of a table is no regular file", "", ""};
}

class LocalSource final : public Source {
 public:
  LocalSource(FileDescriptor file, std::int64_t bytes) : file_(std::move(file)), bytes_(bytes) {}

  std::int64_t bytes() const override { return bytes_; }
  Result<std::size_t> read(std::int64_t offset, std::span<std::byte> into) const override {
    std::size_t got = 0;
    while (got < into.size()) {
      const auto rest = into.subspan(got);
      const ssize_t count =
          ::pread(file_.get(), rest.data(), rest.size(), offset + static_cast<std::int64_t>(got));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_error("could not read a file of a table", errno);
      if (count == 0) break;
      got += static_cast<std::size_t>(count);
    }
    return got;
  }

 private:
  FileDescriptor file_;
  std::int64_t bytes_;
};

Status synchronise(const FileDescriptor& file) {
  if (::fsync(file.get()) == 0) return kDone;
  return system_error("could not synchronise a file of a table", errno);
}

class LocalUpload final : public Upload {
 public:
  LocalUpload(FileDescriptor directory, std::string name, std::string unfinished,
              FileDescriptor file)
      : directory_(std::move(directory)),
        name_(std::move(name)),
        unfinished_(std::move(unfinished)),
        file_(std::move(file)) {}
  ~LocalUpload() override {
    if (!unfinished_.empty()) ::unlinkat(directory_.get(), unfinished_.c_str(), 0);
  }

  Status write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_error("could not write a file of a table", errno);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return kDone;
  }

  Result<bool> finish(IfPresent if_present) override {
    if (Status status = synchronise(file_); !status) return std::move(status).error();
    file_.close();
    const int outcome = if_present == IfPresent::kReplace ? replace() : link();
    if (outcome == EEXIST) return false;
    if (outcome != 0) return system_error("could not name a file of a table", outcome);
    if (Status status = synchronise(directory_); !status) return std::move(status).error();
    return true;
  }

 private:
  int replace() {
    const int at = directory_.get();
    if (::renameat(at, unfinished_.c_str(), at, name_.c_str()) != 0) return errno;
    unfinished_.clear();
    return 0;
  }
  // link() and not a rename that keeps: every local file system has it.
  int link() {
    const int at = directory_.get();
    if (::linkat(at, unfinished_.c_str(), at, name_.c_str(), 0) != 0) return errno;
    ::unlinkat(at, unfinished_.c_str(), 0);
    unfinished_.clear();
    return 0;
  }

  FileDescriptor directory_;
  std::string name_;
  std::string unfinished_;
  FileDescriptor file_;
};

Result<std::string> random_name() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
    return system_error("could not draw a random name", errno);
  }
  std::string name(kUnfinished);
  for (const unsigned char byte : bytes) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", byte);
    name += hex;
  }
  return name;
}

Result<FileDescriptor> open_directory(const FileDescriptor& parent, const std::string& name) {
  FileDescriptor directory(::openat(parent.get(), name.c_str(), kDirectory));
  if (directory.is_open()) return directory;
  return system_error("could not open a folder of a table", errno);
}

Status make_directory(const FileDescriptor& parent, const std::string& name) {
  if (::mkdirat(parent.get(), name.c_str(), kDirectoryMode) == 0) return synchronise(parent);
  if (errno == EEXIST) return kDone;
  return system_error("could not make a folder of a table", errno);
}

}  // namespace

Result<std::unique_ptr<LocalStore>> LocalStore::open_root(const std::string& path) {
  if (!path.starts_with('/')) {
    return Error{ErrorCode::kInvalidArgument, "the folder of a store has no absolute path", "", ""};
  }
  if (::mkdir(path.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
    return system_error("could not make the folder of a store", errno);
  }
  FileDescriptor root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return system_error("could not open the folder of a store", errno);
  return std::unique_ptr<LocalStore>(new LocalStore(std::move(root)));
}

Result<LocalStore::Place> LocalStore::find(std::string_view name, Missing missing) const {
  if (Status status = check_name(name); !status) return std::move(status).error();
  FileDescriptor directory(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 0));
  if (!directory.is_open()) return system_error("could not open the folder of a store", errno);
  while (true) {
    const std::size_t end = name.find('/');
    const std::string segment(name.substr(0, end));
    if (end == std::string_view::npos) return Place{std::move(directory), segment};
    if (missing == Missing::kMake) {
      if (Status made = make_directory(directory, segment); !made) return std::move(made).error();
    }
    auto next = open_directory(directory, segment);
    if (!next) return std::move(next).error();
    directory = *std::move(next);
    name.remove_prefix(end + 1);
  }
}

Result<std::unique_ptr<Upload>> LocalStore::create(std::string_view name, const Context&) {
  auto place = find(name, Missing::kMake);
  if (!place) return std::move(place).error();
  auto unfinished = random_name();
  if (!unfinished) return std::move(unfinished).error();
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  FileDescriptor file(::openat(place->directory.get(), unfinished->c_str(), kNew, kFileMode));
  if (!file.is_open()) return system_error("could not create a file of a table", errno);
  return std::unique_ptr<Upload>(new LocalUpload(std::move(place->directory),
                                                 std::move(place->segment), *std::move(unfinished),
                                                 std::move(file)));
}

Result<FileDescriptor> LocalStore::open_file(std::string_view name) const {
  auto place = find(name, Missing::kError);
  if (!place) return std::move(place).error();
  // O_NONBLOCK: a pipe that somebody put there must not hold us.
  constexpr int kExisting = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  FileDescriptor file(::openat(place->directory.get(), place->segment.c_str(), kExisting));
  if (!file.is_open()) return system_error("could not open a file of a table", errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return system_error("could not read a file's size", errno);
  if (!S_ISREG(facts.st_mode)) return invalid_target();
  return file;
}

Result<std::unique_ptr<Source>> LocalStore::open(std::string_view name, const Context&) {
  auto file = open_file(name);
  if (!file) return std::move(file).error();
  struct stat facts {};
  if (::fstat(file->get(), &facts) != 0) return system_error("could not read a file's size", errno);
  return std::unique_ptr<Source>(new LocalSource(*std::move(file), facts.st_size));
}

Status LocalStore::remove(std::string_view name, const Context&) {
  auto place = find(name, Missing::kError);
  if (!place && place.error().code == ErrorCode::kNotFound) return kDone;
  if (!place) return std::move(place).error();
  if (::unlinkat(place->directory.get(), place->segment.c_str(), 0) == 0) {
    return synchronise(place->directory);
  }
  if (errno == ENOENT) return kDone;
  return system_error("could not remove a file of a table", errno);
}

Status LocalStore::remove_folder(std::string_view name, const Context&) {
  auto place = find(name, Missing::kError);
  if (!place && place.error().code == ErrorCode::kNotFound) return kDone;
  if (!place) return std::move(place).error();
  if (::unlinkat(place->directory.get(), place->segment.c_str(), AT_REMOVEDIR) == 0) {
    return synchronise(place->directory);
  }
  if (errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST) return kDone;
  return system_error("could not remove a folder of a table", errno);
}

Result<std::vector<StoredFile>> LocalStore::list(std::string_view prefix, const Context& context) {
  return list_files(root_, prefix, context);
}

Result<std::int64_t> LocalStore::remove_unfinished(std::string_view prefix,
                                                   std::chrono::seconds age,
                                                   const Context& context) {
  return unlink_unfinished(root_, prefix, std::chrono::system_clock::now() - age, context);
}

}  // namespace lakehouse::delta
