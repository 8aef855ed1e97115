// SPDX-License-Identifier: PostgreSQL
// Journal: takes audit records from all sessions and writes them in rounds, one transaction each;
// verifies a tenant's chain. A session is answered once its record is durable.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/vault/vault.hpp"
#include "worker/audit/chain.hpp"
#include "worker/db/pool.hpp"
#include "worker/gateway/services.hpp"

namespace lakehouse::worker::audit {

class Journal final : public gateway::AuditStore {
 public:
  // The first of `head_paths` that can be opened and locked holds the heads. It is opened with the
  // first record, when an older worker has surely ended. Connections of its own: records must not
  // wait for anything else.
  Journal(db::Target target, const vault::Vault& vault, std::vector<std::string> head_paths,
          log::Log& log);

  // Errors: kInvalidArgument (malformed), kNotFound (no such tenant), else what kept the database
  // or the head file from writing.
  Result<std::int64_t> record(wire::RecordAudit record) override;
  // One at a time; others wait for their turn.
  Result<wire::AuditReport> verify(const std::string& tenant_id, const Context& context) override;

 private:
  struct Pending {
    wire::RecordAudit record;
    std::optional<Result<std::int64_t>> answer;
  };
  // What a round has for one tenant.
  struct Share {
    std::string tenant_id;
    std::vector<std::size_t> indexes;  // in the round
    std::vector<const wire::RecordAudit*> records;
    std::optional<KnownHead> known;  // before
    Appended appended;
  };
  using Round = std::vector<Pending*>;
  using Answers = std::vector<Result<std::int64_t>>;  // one a record of a round, in their order

  Round take_round();
  Answers write(const Round& round);
  Result<std::vector<std::int64_t>> write_once(const Round& round, const Context& context);
  Status append_all(std::vector<Share>& shares, db::Connection& connection, const Context& context);
  void note_loss(const Share& share);
  Result<HeadFile*> heads();

  db::Pool pool_;
  const vault::Vault& vault_;
  const std::vector<std::string> head_paths_;
  log::Log& log_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Round waiting_;
  bool is_writing_ = false;

  std::mutex heads_mutex_;
  std::unique_ptr<HeadFile> heads_;

  std::mutex verifying_mutex_;
  std::condition_variable_any verified_;
  bool is_verifying_ = false;
};

}  // namespace lakehouse::worker::audit
