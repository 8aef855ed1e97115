// SPDX-License-Identifier: PostgreSQL
// Rounds: whoever finds nobody writing writes for all who wait, itself among them.
#include "worker/audit/journal.hpp"

#include <algorithm>
#include <map>

#include "core/base/scope_exit.hpp"
#include "worker/audit/chain.hpp"
#include "worker/audit/verification.hpp"
#include "worker/json/text.hpp"

namespace lakehouse::worker::audit {
namespace {

constexpr std::chrono::seconds kRoundTime{5};
constexpr std::size_t kMaxRoundRecords = 256;
constexpr std::size_t kConnections = 2;  // one writes, one verifies

db::Pool::Options pool_options() {
  db::Pool::Options options;
  options.max_connections = kConnections;
  return options;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "00000000-0000-0000-0000-000000000000";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == '-' ? text[i] != '-' : !is_digit) return false;
  }
  return true;
}

// Text that JSON or the database would change must be changed before it is hashed.
void make_well_formed(wire::RecordAudit& record) {
  for (std::string* text : {&record.session_role, &record.role, &record.application_name,
                            &record.statement, &record.code, &record.sqlstate}) {
    *text = json::well_formed(*text);
  }
  for (auto* list : {&record.relations, &record.remote_query_ids}) {
    for (std::string& text : *list) text = json::well_formed(text);
  }
}

Status check(const wire::RecordAudit& record) {
  const bool is_sound = is_uuid(record.tenant_id) && is_uuid(record.audit_id) &&
                        phase_name(record.phase) && record.statement_hash.size() == kHashBytes;
  if (is_sound) return kDone;
  return Error{ErrorCode::kInvalidArgument, "malformed audit record", "", ""};
}

// Not of the database as a whole: then records of others can still be written.
bool may_be_one_records_fault(const Error& error) {
  return error.code != ErrorCode::kUnavailable && error.code != ErrorCode::kTimeout;
}

Error no_memory_error() {
  return {ErrorCode::kOutOfMemory, "lakehouse worker is out of memory", "", ""};
}

// What the backend raises.
Error not_written(const Error& why) {
  return {why.code, "could not write the audit log", "The reason is: " + why.message + ".",
          "A governed statement runs only when it can be recorded. See the server's log."};
}

}  // namespace

Journal::Journal(db::Target target, const vault::Vault& vault, std::vector<std::string> head_paths,
                 log::Log& log)
    : pool_(std::move(target), pool_options()),
      vault_(vault),
      head_paths_(std::move(head_paths)),
      log_(log) {}

Result<std::int64_t> Journal::record(wire::RecordAudit record) {
  if (Status sound = check(record); !sound) return sound.error();
  make_well_formed(record);
  Pending mine{std::move(record), {}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  for (;;) {
    changed_.wait(lock, [&] { return mine.answer || !is_writing_; });
    if (mine.answer) return *std::move(mine.answer);
    is_writing_ = true;
    const Round round = take_round();
    lock.unlock();
    Answers answers;
    try {
      answers = write(round);
    } catch (const std::exception&) {
      answers.clear();
    }
    lock.lock();
    for (std::size_t i = 0; i < round.size(); ++i) {
      round[i]->answer = i < answers.size() ? std::move(answers[i]) : no_memory_error();
    }
    is_writing_ = false;
    changed_.notify_all();
  }
}

Journal::Round Journal::take_round() {
  const auto end =
      waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMaxRoundRecords));
  Round round(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  return round;
}

Journal::Answers Journal::write(const Round& round) {
  const Context context{Deadline::in(kRoundTime), {}, {}};
  auto written = write_once(round, context);
  if (written) return {written->begin(), written->end()};
  if (round.size() == 1 || !may_be_one_records_fault(written.error())) {
    return Answers(round.size(), not_written(written.error()));
  }
  Answers answers;
  for (Pending* pending : round) {
    auto alone = write_once({pending}, context);
    if (alone) {
      answers.emplace_back(alone->front());
    } else {
      answers.emplace_back(not_written(alone.error()));
    }
  }
  return answers;
}

// The heads are stored once the records are committed.
Result<std::vector<std::int64_t>> Journal::write_once(const Round& round, const Context& context) {
  auto file = heads();
  if (!file) return file.error();
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  std::map<std::string, std::vector<std::size_t>> places;  // by tenant: the order of locking
  for (std::size_t i = 0; i < round.size(); ++i) places[round[i]->record.tenant_id].push_back(i);
  std::vector<Share> shares;
  for (auto& [tenant_id, indexes] : places) {
    Share share{tenant_id, std::move(indexes), {}, (*file)->find(tenant_id), {}};
    for (const std::size_t index : share.indexes) share.records.push_back(&round[index]->record);
    shares.push_back(std::move(share));
  }
  if (Status appended = append_all(shares, **lease, context); !appended) return appended.error();

  std::vector<std::int64_t> seqs(round.size());
  for (const Share& share : shares) {
    for (std::size_t i = 0; i < share.indexes.size(); ++i) {
      seqs[share.indexes[i]] = share.appended.seqs[i];
    }
    note_loss(share);
    Status stored = (*file)->store(share.tenant_id, share.appended.known);
    if (!stored) return stored.error();
  }
  return seqs;
}

Status Journal::append_all(std::vector<Share>& shares, db::Connection& connection,
                           const Context& context) {
  if (shares.size() == 1 && shares[0].known) {
    Share& only = shares[0];
    auto appended = append_to_known(connection, vault_, *only.known, only.records, context);
    if (!appended) return appended.error();
    if (appended->has_value()) {
      only.appended = **std::move(appended);
      return kDone;
    }
  }
  auto transaction = db::Transaction::begin(connection, context);
  if (!transaction) return transaction.error();
  for (Share& share : shares) {
    auto appended = append(connection, vault_, share.known, share.records, context);
    if (!appended) return appended.error();
    share.appended = *std::move(appended);
  }
  return transaction->commit(context);
}

void Journal::note_loss(const Share& share) {
  const std::int64_t lost_seq = share.appended.known.lost_seq;
  if (lost_seq == 0 || (share.known && share.known->lost_seq != 0)) return;
  log_.write(LogLevel::kError, "audit log has lost records that were written", {},
             {{"tenant_id", std::string_view(share.tenant_id)}, {"first_lost", lost_seq}});
}

Result<HeadFile*> Journal::heads() {
  const std::scoped_lock lock(heads_mutex_);
  if (heads_) return heads_.get();
  Error last{ErrorCode::kUnavailable, "no place for the file of audit heads", "", ""};
  for (const std::string& path : head_paths_) {
    auto opened = HeadFile::open(path);
    if (opened) {
      heads_ = *std::move(opened);
      log_.write(LogLevel::kInfo, "audit heads are kept in a file", {},
                 {{"path", std::string_view(path)}});
      return heads_.get();
    }
    last = opened.error();
    log_.failure("file of audit heads can't be used", last);
  }
  return last;
}

Result<wire::AuditReport> Journal::verify(const std::string& tenant_id, const Context& context) {
  if (!is_uuid(tenant_id)) return Error{ErrorCode::kInvalidArgument, "malformed tenant id", "", ""};
  std::unique_lock lock(verifying_mutex_);
  const bool has_turn = verified_.wait_until(lock, context.stop, context.deadline.at(),
                                             [this] { return !is_verifying_; });
  if (!has_turn) return cancelled_error();
  is_verifying_ = true;
  lock.unlock();
  const ScopeExit leaving([this]() noexcept {
    const std::scoped_lock relock(verifying_mutex_);
    is_verifying_ = false;
    verified_.notify_one();
  });
  auto file = heads();
  if (!file) return file.error();
  // Before the chain is read: a head stored meanwhile would look like a lost record.
  const auto known = (*file)->find(tenant_id);
  auto lease = pool_.acquire(context);
  if (!lease) return lease.error();
  return verify_chain(**lease, vault_, known, tenant_id, context);
}

}  // namespace lakehouse::worker::audit
