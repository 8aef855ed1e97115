// SPDX-License-Identifier: PostgreSQL
// Counts that can't be written are dropped: they are no reason to keep memory.
#include "worker/sharing/read_counts.hpp"

#include <chrono>

namespace lakehouse::worker::sharing {
namespace {

constexpr std::chrono::seconds kPause{1};
constexpr std::chrono::seconds kWriteTime{2};
constexpr const char* kWrite =
    "SELECT FROM lakehouse.count_share_reads($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], "
    "$5::bigint[])";

// Of values that need no quotes.
class ArrayText {
 public:
  void add(const std::string& item) { text_ += (text_.size() > 1 ? "," : "") + item; }
  db::Value value() const { return db::Value::text(text_ + "}"); }

 private:
  std::string text_ = "{";
};

}  // namespace

ReadCounts::ReadCounts(db::Pool& pool, log::Log& log)
    : pool_(pool), log_(log), thread_([this](const std::stop_token& stop) {
        try {
          write_every_second(stop);
        } catch (const std::exception&) {
          log_.write(LogLevel::kError, "reads of shares are counted no more");
        }
      }) {}

ReadCounts::~ReadCounts() {
  thread_.request_stop();
  thread_.join();
}

void ReadCounts::add(const Admission& who, std::int64_t bytes) {
  const std::scoped_lock lock(mutex_);
  Count& count = counts_[{who.table.id, who.table.share_id, who.recipient.id}];
  ++count.reads;
  count.bytes += bytes;
  changed_.notify_one();
}

void ReadCounts::write_every_second(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    changed_.wait(lock, stop, [this] { return !counts_.empty(); });
    // More come together in the meantime.
    changed_.wait_for(lock, stop, kPause, [] { return false; });
    std::map<Key, Count> counts;
    counts.swap(counts_);
    lock.unlock();
    if (!counts.empty()) write(counts);
    lock.lock();
  }
}

void ReadCounts::write(const std::map<Key, Count>& counts) {
  ArrayText shares, tables, recipients, reads, bytes;
  for (const auto& [key, count] : counts) {
    const auto& [table, share, recipient] = key;
    shares.add(share);
    tables.add(table);
    recipients.add(recipient);
    reads.add(std::to_string(count.reads));
    bytes.add(std::to_string(count.bytes));
  }
  const Context context{Deadline::in(kWriteTime), {}, {}};
  auto written = pool_.query(
      kWrite, {shares.value(), tables.value(), recipients.value(), reads.value(), bytes.value()},
      context);
  if (!written) log_.failure("reads of shares are not counted", written.error());
}

}  // namespace lakehouse::worker::sharing
