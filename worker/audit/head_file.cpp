// SPDX-License-Identifier: PostgreSQL
// Slots of one size: "<tenant> <generation> <first> <seq> <lost> <hash> <checksum>\n".
#include "worker/audit/head_file.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <vector>

#include "worker/audit/hex.hpp"

namespace lakehouse::worker::audit {
namespace {

constexpr std::size_t kSlotBytes = 256;  // the line, filled up with spaces
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kFields = 7;
// Records wait for the log's own flush; more flushes beside it would hold them up.
constexpr std::chrono::milliseconds kSyncPause{100};

std::string checksum_of(std::string_view line) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(line.data()), line.size(), digest.data());
  return to_hex({reinterpret_cast<const char*>(digest.data()), kChecksumBytes});
}

std::string line_of(const std::string& tenant_id, std::uint64_t generation,
                    const KnownHead& known) {
  std::array<char, kSlotBytes> buffer{};
  const int size =
      std::snprintf(buffer.data(), buffer.size(), "%s %llu %lld %lld %lld %s", tenant_id.c_str(),
                    static_cast<unsigned long long>(generation),
                    static_cast<long long>(known.first_seq), static_cast<long long>(known.head.seq),
                    static_cast<long long>(known.lost_seq), to_hex(known.head.hash).c_str());
  std::string line(buffer.data(), static_cast<std::size_t>(size));
  line += " " + checksum_of(line);
  line.resize(kSlotBytes - 1, ' ');
  line.push_back('\n');
  return line;
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty() && line[0] != ' ') {
    const std::size_t end = std::min(line.find(' '), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return fields;
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, number);
  return status == std::errc() && stop == end;
}

}  // namespace

Result<std::unique_ptr<HeadFile>> HeadFile::open(const std::string& path) {
  io::Descriptor file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  const int number = errno;
  std::unique_ptr<HeadFile> heads(new HeadFile(std::move(file), path));
  if (!heads->file_.is_open()) return heads->system_error("open", number);
  struct stat facts {};
  if (::fstat(heads->file_.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return heads->system_error("use", EINVAL);
  }
  if (::flock(heads->file_.get(), LOCK_EX | LOCK_NB) != 0)
    return heads->system_error("lock", errno);
  if (Status loaded = heads->load(); !loaded) return loaded.error();
  heads->syncing_ =
      std::jthread([raw = heads.get()](const std::stop_token& stop) { raw->sync_until(stop); });
  return heads;
}

HeadFile::~HeadFile() {
  if (!syncing_.joinable()) return;
  syncing_.request_stop();
  syncing_.join();
}

std::optional<KnownHead> HeadFile::find(const std::string& tenant_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = places_.find(tenant_id);
  if (found == places_.end()) return std::nullopt;
  return found->second.known;
}

Status HeadFile::store(const std::string& tenant_id, const KnownHead& known) {
  {
    const std::scoped_lock lock(mutex_);
    const auto [at, is_new] = places_.try_emplace(tenant_id);
    Place& place = at->second;
    if (is_new) place.index = place_count_++;
    ++place.generation;
    place.known = known;
    const std::string line = line_of(tenant_id, place.generation, known);
    const auto slot = 2 * place.index + static_cast<std::int64_t>(place.generation % 2);
    const ssize_t written = ::pwrite(file_.get(), line.data(), line.size(),
                                     slot * static_cast<std::int64_t>(kSlotBytes));
    if (written != static_cast<ssize_t>(line.size())) {
      return system_error("write", written < 0 ? errno : ENOSPC);
    }
    is_synced_ = false;
    if (sync_failure_ != 0) return system_error("sync", sync_failure_);
  }
  changed_.notify_one();
  return kDone;
}

Status HeadFile::load() {
  std::array<char, kSlotBytes> line{};
  for (std::int64_t slot = 0;; ++slot) {
    const ssize_t got = ::pread(file_.get(), line.data(), line.size(),
                                slot * static_cast<std::int64_t>(kSlotBytes));
    if (got < 0) return system_error("read", errno);
    if (got == 0) {
      place_count_ = (slot + 1) / 2;
      return kDone;
    }
    take_line({line.data(), static_cast<std::size_t>(got)}, slot);
  }
}

// A line that is torn, or was never written, is none.
void HeadFile::take_line(std::string_view line, std::int64_t slot) {
  const auto fields = split(line);
  if (fields.size() != kFields) return;
  const auto tagged = static_cast<std::size_t>(fields[kFields - 1].data() - line.data() - 1);
  if (checksum_of(line.substr(0, tagged)) != fields[kFields - 1]) return;
  Place place;
  KnownHead& known = place.known;
  place.index = slot / 2;
  known.head.hash = from_hex(fields[5]);
  const bool is_sound = parse(fields[1], place.generation) && parse(fields[2], known.first_seq) &&
                        parse(fields[3], known.head.seq) && parse(fields[4], known.lost_seq) &&
                        known.head.hash.size() == kHashBytes;
  if (!is_sound) return;
  Place& kept = places_[std::string(fields[0])];
  if (place.generation > kept.generation) kept = place;
}

void HeadFile::sync_until(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, stop, [this] { return !is_synced_; });
    if (is_synced_) return;  // a stop
    changed_.wait_for(lock, stop, kSyncPause, [] { return false; });
    is_synced_ = true;
    lock.unlock();
    const int failure = ::fdatasync(file_.get()) == 0 ? 0 : errno;
    lock.lock();
    sync_failure_ = failure;
  }
}

Error HeadFile::system_error(const char* what, int number) const {
  return {ErrorCode::kUnavailable,
          std::string("could not ") + what + " the file of audit heads \"" + path_ +
              "\": " + std::strerror(number),
          "", "Make room on its disk and let the worker's user write it."};
}

}  // namespace lakehouse::worker::audit
