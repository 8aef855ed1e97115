// SPDX-License-Identifier: PostgreSQL
// libpq without blocking: send, flush, wait on the socket, collect.
#include "worker/db/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <optional>

#include "core/base/scope_exit.hpp"
#include "worker/db/server_error.hpp"
#include "worker/io/readiness.hpp"

namespace lakehouse::worker::db {
namespace {

// For whatever this process leaves behind: a statement may not outlive its client, nor hold a lock
// for long.
constexpr const char* kServerSettings =
    "-c statement_timeout=30s -c idle_in_transaction_session_timeout=30s "
    "-c client_connection_check_interval=1s";
constexpr const char* kLongWorkSettings =
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=30s "
    "-c client_connection_check_interval=1s -c max_parallel_workers_per_gather=0 "
    "-c synchronize_seqscans=off -c jit=off -c TimeZone=UTC -c DateStyle=ISO "
    "-c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=1";
constexpr int kBinary = 1;

void pass_notice(void* target, const PGresult* result) {
  const auto& notices = *static_cast<std::function<void(const Report&)>*>(target);
  if (notices) notices(report_of(result, 0));
}

// Values as libpq takes them; they must live as long.
struct Bound {
  explicit Bound(const std::vector<Value>& values) {
    for (const Value& value : values) {
      contents.push_back(value.data());
      lengths.push_back(value.size());
      formats.push_back(value.is_binary() ? kBinary : 0);
    }
  }
  int count() const { return static_cast<int>(contents.size()); }

  std::vector<const char*> contents;
  std::vector<int> lengths, formats;
};

pg_conn* start_connecting(const Target& target, Work work) {
  const std::string port = std::to_string(target.port);
  std::string password(target.password.reveal());
  const std::array<const char*, 11> names = {"host",
                                             "port",
                                             "dbname",
                                             "user",
                                             "client_encoding",
                                             "gssencmode",
                                             "options",
                                             "application_name",
                                             "connect_timeout",
                                             "password",
                                             nullptr};
  const std::array<const char*, 11> values = {
      target.host.c_str(),
      port.c_str(),
      target.database.c_str(),
      target.user.c_str(),
      "UTF8",
      "disable",
      work == Work::kLong ? kLongWorkSettings : kServerSettings,
      "lakehouse-worker",
      "10",
      password.empty() ? nullptr : password.c_str(),
      nullptr};
  pg_conn* connection = PQconnectStartParams(names.data(), values.data(), 0);
  Secret::wipe(password);
  return connection;
}

}  // namespace

Connection::Connection(pg_conn* connection)
    : notices_(std::make_unique<Notices>()), connection_(connection) {}

Result<Connection> Connection::open(const Target& target, const Context& context, Work work) {
  Connection connection(start_connecting(target, work));
  if (!connection.connection_) {
    return Error{ErrorCode::kOutOfMemory, "out of memory", "", ""};
  }
  if (Status connected = connection.connect(context); !connected) return connected.error();
  return connection;
}

Status Connection::connect(const Context& context) {
  pg_conn* raw = connection_.get();
  PQsetNoticeReceiver(raw, pass_notice, notices_.get());
  if (PQstatus(raw) == CONNECTION_BAD) return connect_error(raw);
  short events = POLLOUT;  // as libpq demands before the first PQconnectPoll
  for (;;) {
    if (Status waited = wait(events, context); !waited) return waited;
    switch (PQconnectPoll(raw)) {
      case PGRES_POLLING_OK:
        if (PQsetnonblocking(raw, 1) != 0) return connect_error(raw);
        return kDone;
      case PGRES_POLLING_READING:
        events = POLLIN;
        break;
      case PGRES_POLLING_WRITING:
        events = POLLOUT;
        break;
      default:
        return connect_error(raw);
    }
  }
}

Result<Rows> Connection::query(const char* sql, const std::vector<Value>& values,
                               const Context& context) {
  const Bound bound(values);
  return answer_to(
      PQsendQueryParams(connection_.get(), sql, bound.count(), nullptr, bound.contents.data(),
                        bound.lengths.data(), bound.formats.data(), kBinary),
      context);
}

Result<Rows> Connection::query(const Statement& statement, const Context& context) {
  pg_conn* raw = connection_.get();
  const char* name = statement.name.c_str();
  if (!prepared_.contains(statement.name)) {
    auto prepared = answer_to(PQsendPrepare(raw, name, statement.sql.c_str(), 0, nullptr), context);
    if (!prepared) return prepared;
    prepared_.insert(statement.name);
  }
  const Bound bound(statement.values);
  return answer_to(PQsendQueryPrepared(raw, name, bound.count(), bound.contents.data(),
                                       bound.lengths.data(), bound.formats.data(), kBinary),
                   context);
}

// `is_sent`: what libpq said of the sending.
Result<Rows> Connection::answer_to(int is_sent, const Context& context) {
  const Status flushed = is_sent == 0 ? Status(lost_error()) : flush(context);
  if (flushed) return collect(context);
  abandon();
  return flushed.error();
}

namespace {

std::vector<Notification> take_notifications(pg_conn* connection) {
  std::vector<Notification> taken;
  while (PGnotify* notification = PQnotifies(connection)) {
    taken.push_back({notification->relname, notification->extra});
    PQfreemem(notification);
  }
  return taken;
}

}  // namespace

Result<std::vector<Notification>> Connection::wait_for_notification(const Context& context) {
  for (;;) {
    auto taken = take_notifications(connection_.get());
    if (!taken.empty()) return taken;
    Status waited = wait(POLLIN, context);
    if (!waited && waited.error().code == ErrorCode::kTimeout) return taken;
    if (waited && PQconsumeInput(connection_.get()) == 0) waited = lost_error();
    if (!waited) {
      abandon();
      return waited.error();
    }
  }
}

// A server has nothing to say to an idle client but that it goes away (a pooled connection never
// listens): readable means lost.
bool Connection::is_usable() const {
  if (is_abandoned_ || PQstatus(connection_.get()) != CONNECTION_OK) return false;
  if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) return false;
  pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
  return ::poll(&socket, 1, 0) == 0;
}

Status Connection::flush(const Context& context) {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) return kDone;
    if (left < 0) return lost_error();
    if (Status waited = wait(POLLIN | POLLOUT, context); !waited) return waited;
    if (PQconsumeInput(connection_.get()) == 0) return lost_error();
  }
}

// Reads results until there is none; the first error wins, else the last result.
Result<Rows> Connection::collect(const Context& context) {
  std::unique_ptr<PGresult, decltype(&PQclear)> kept(nullptr, PQclear);
  for (;;) {
    while (PQisBusy(connection_.get()) != 0) {
      Status waited = wait(POLLIN, context);
      if (waited && PQconsumeInput(connection_.get()) == 0) waited = lost_error();
      if (!waited) {
        abandon();
        return waited.error();
      }
    }
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) break;
    const bool keeps_error = kept && PQresultStatus(kept.get()) == PGRES_FATAL_ERROR;
    if (keeps_error) {
      PQclear(result);
    } else {
      kept.reset(result);
    }
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK) abandon();
  if (!kept) return lost_error();
  const ExecStatusType status = PQresultStatus(kept.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return server_error(kept.get());
  return Rows(kept.release());
}

namespace {

// Of those who find input there each time they look, and so never wait.
Status going_on(const Context& context) {
  if (context.stop.stop_requested()) return cancelled_error();
  if (!context.deadline.has_passed()) return kDone;
  return io::wait_error(io::Readiness::kTimedOut, "reading from the database");
}

}  // namespace

Status Connection::wait(short events, const Context& context) {
  const int socket = PQsocket(connection_.get());
  if (socket < 0) return lost_error();
  const io::Readiness readiness = io::wait_until_ready(socket, events, context);
  if (readiness == io::Readiness::kReady) return kDone;
  return io::wait_error(readiness, "waiting for the database");
}

// After this nothing more is asked of the connection; what still runs is cancelled.
Error Connection::give_up(Error error) {
  cancel();
  abandon();
  return error;
}

Status Connection::send(const char* sql, const std::vector<Value>& values, const Context& context) {
  const Bound bound(values);
  const int is_sent =
      PQsendQueryParams(connection_.get(), sql, bound.count(), nullptr, bound.contents.data(),
                        bound.lengths.data(), bound.formats.data(), kBinary);
  const Status flushed = is_sent == 0 ? Status(lost_error()) : flush(context);
  if (!flushed) abandon();
  return flushed;
}

Status Connection::wait_for_input(const Context& context) {
  if (Status waited = wait(POLLIN, context); !waited) return give_up(waited.error());
  if (PQconsumeInput(connection_.get()) != 0) return kDone;
  abandon();
  return lost_error();
}

Status Connection::stream(const char* sql, const std::vector<Value>& values,
                          const std::function<Status(const Rows&)>& take, const Context& context) {
  if (Status sent = send(sql, values, context); !sent) return sent;
  if (PQsetSingleRowMode(connection_.get()) == 0) return give_up(lost_error());
  for (;;) {
    while (PQisBusy(connection_.get()) != 0) {
      if (Status waited = wait_for_input(context); !waited) return waited;
    }
    pg_result* result = PQgetResult(connection_.get());
    if (result == nullptr || PQresultStatus(result) != PGRES_SINGLE_TUPLE) {
      return finish(result, context);
    }
    if (Status taken = take(Rows(result)); !taken) return give_up(taken.error());
    if (Status going = going_on(context); !going) return give_up(going.error());
  }
}

Status Connection::copy_out(const char* sql, const std::function<Status(std::string_view)>& take,
                            const Context& context) {
  if (Status sent = send(sql, {}, context); !sent) return sent;
  while (PQisBusy(connection_.get()) != 0) {
    if (Status waited = wait_for_input(context); !waited) return waited;
  }
  pg_result* begun = PQgetResult(connection_.get());
  if (begun == nullptr || PQresultStatus(begun) != PGRES_COPY_OUT) return finish(begun, context);
  PQclear(begun);
  if (Status taken = take_copied(take, context); !taken) return taken;
  while (PQisBusy(connection_.get()) != 0) {
    if (Status waited = wait_for_input(context); !waited) return waited;
  }
  return finish(PQgetResult(connection_.get()), context);
}

Status Connection::take_copied(const std::function<Status(std::string_view)>& take,
                               const Context& context) {
  for (;;) {
    char* message = nullptr;
    const int length = PQgetCopyData(connection_.get(), &message, 1);
    const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, PQfreemem);
    if (length < 0) return kDone;  // the end, or an error that the last result has
    if (length == 0) {
      if (Status waited = wait_for_input(context); !waited) return waited;
      continue;
    }
    const Status taken = take({message, static_cast<std::size_t>(length)});
    if (!taken) return give_up(taken.error());
    if (Status going = going_on(context); !going) return give_up(going.error());
  }
}

// `last`: a result that ends a statement; it is cleared. Reads on until the server is ready again.
Status Connection::finish(pg_result* last, const Context& context) {
  const Rows owned(last);
  const auto rest = collect(context);
  if (!rest && is_abandoned_) return rest.error();
  if (last == nullptr || PQstatus(connection_.get()) != CONNECTION_OK) {
    abandon();
    return lost_error();
  }
  const ExecStatusType status = PQresultStatus(last);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return kDone;
  return server_error(last);
}

Result<Answer> Connection::run(const Batch& batch, const Context& context) {
  std::vector<std::string> kinds;
  *notices_ = batch.on_notice;
  const ScopeExit forget([this]() noexcept { *notices_ = nullptr; });
  Status sent = send(batch, kinds);
  if (sent) sent = flush(context);
  if (!sent) {
    abandon();
    return sent.error();
  }
  auto answer = collect_all(kinds, context);
  if (!is_abandoned_ && PQexitPipelineMode(connection_.get()) == 0) abandon();
  return answer;
}

// `kinds`: what each result to come is of: a name that is being prepared, or nothing, a statement.
Status Connection::send(const Batch& batch, std::vector<std::string>& kinds) {
  pg_conn* raw = connection_.get();
  bool is_sent = PQenterPipelineMode(raw) != 0;
  for (const Statement& statement : batch.statements) {
    const Bound bound(statement.values);
    const char* name = statement.name.c_str();
    if (!statement.name.empty() && !prepared_.contains(statement.name)) {
      is_sent = is_sent && PQsendPrepare(raw, name, statement.sql.c_str(), 0, nullptr) != 0;
      kinds.push_back(statement.name);
    }
    is_sent =
        is_sent && (statement.name.empty()
                        ? PQsendQueryParams(raw, statement.sql.c_str(), bound.count(), nullptr,
                                            bound.contents.data(), bound.lengths.data(),
                                            bound.formats.data(), 0)
                        : PQsendQueryPrepared(raw, name, bound.count(), bound.contents.data(),
                                              bound.lengths.data(), bound.formats.data(), 0)) != 0;
    kinds.emplace_back();
  }
  is_sent = is_sent && PQpipelineSync(raw) != 0;
  if (is_sent) return kDone;
  return lost_error();
}

// Reads results up to the end of the transaction. The first error wins.
Result<Answer> Connection::collect_all(const std::vector<std::string>& kinds,
                                       const Context& context) {
  std::unique_ptr<PGresult, decltype(&PQclear)> last(nullptr, PQclear);
  std::optional<Report> refusal;
  std::size_t seen = 0, statement = 0;
  for (;;) {
    while (PQisBusy(connection_.get()) != 0) {
      Status waited = wait(POLLIN, context);
      if (!waited) cancel();
      if (waited && PQconsumeInput(connection_.get()) == 0) waited = lost_error();
      if (!waited) {
        abandon();
        return waited.error();
      }
    }
    std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(connection_.get()), PQclear);
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
      abandon();
      return lost_error();
    }
    if (!result) continue;  // between two statements
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_FATAL_ERROR && !refusal) refusal = report_of(result.get(), statement);
    const bool is_good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    const std::string prepared = seen < kinds.size() ? kinds[seen] : "";
    if (is_good && !prepared.empty()) prepared_.insert(prepared);
    if (prepared.empty()) ++statement;
    if (is_good) last = std::move(result);
    ++seen;
  }
  if (refusal) return Answer(*std::move(refusal));
  if (!last) return lost_error();
  return Answer(Rows(last.release()));
}

// Asks on a connection of libpq's own; that this one is closed then is what the server notices at
// the latest.
void Connection::cancel() noexcept {
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> request(PQgetCancel(connection_.get()),
                                                                   PQfreeCancel);
  std::array<char, 256> reason{};
  if (request) (void)PQcancel(request.get(), reason.data(), static_cast<int>(reason.size()));
}

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Result<Transaction> Transaction::begin(Connection& connection, const Context& context,
                                       Isolation isolation) {
  auto begun = connection.query(isolation == Isolation::kRepeatableRead
                                    ? "BEGIN ISOLATION LEVEL REPEATABLE READ"
                                    : "BEGIN ISOLATION LEVEL READ COMMITTED",
                                {}, context);
  if (!begun) return begun.error();
  return Transaction(connection);
}

Status Transaction::commit(const Context& context) { return end("COMMIT", context); }

Status Transaction::roll_back(const Context& context) { return end("ROLLBACK", context); }

Status Transaction::end(const char* statement, const Context& context) {
  auto ended = connection_->query(statement, {}, context);
  if (!ended) return ended.error();
  connection_ = nullptr;
  return kDone;
}

Result<Savepoint> Savepoint::begin(Connection& connection, const Context& context) {
  auto begun = connection.query("SAVEPOINT part", {}, context);
  if (!begun) return begun.error();
  return Savepoint(connection);
}

Status Savepoint::release(const Context& context) {
  auto released = connection_->query("RELEASE SAVEPOINT part", {}, context);
  if (!released) return released.error();
  connection_ = nullptr;
  return kDone;
}

Status Savepoint::roll_back(const Context& context) {
  auto undone = connection_->query("ROLLBACK TO SAVEPOINT part", {}, context);
  if (!undone) return undone.error();
  return release(context);
}

}  // namespace lakehouse::worker::db
