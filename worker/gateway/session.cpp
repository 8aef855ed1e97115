// SPDX-License-Identifier: PostgreSQL
// Handshake, the two threads, and the one place that answers with a Failure.
#include "worker/gateway/session.hpp"

#include <new>
#include <thread>

#include "core/wire/codec.hpp"
#include "worker/gateway/requests.hpp"
#include "worker/gateway/scan.hpp"
#include "worker/log/request_id.hpp"

namespace lakehouse::worker::gateway {
namespace {

// Room for a 16 MiB statement and large parameters.
constexpr std::uint32_t kMaxRequestBytes = 64U << 20U;
constexpr std::uint32_t kMaxRecordBytes = 1U << 20U;
// A backend that has had nothing to record for so long connects again next time.
constexpr std::chrono::seconds kRecordingIdleTime{30};
constexpr std::uint32_t kMaxSmallBytes = 1U << 10U;  // Hello, Credit
// How long a client may take to read why its request failed.
constexpr std::chrono::milliseconds kFailureTime{500};

Error protocol_error(std::string message) {
  return {ErrorCode::kProtocol, std::move(message), "",
          "Restart the server so that extension and worker are of one version."};
}

Error client_gone_error() {
  return {ErrorCode::kCancelled, "client closed its connection", "", ""};
}

}  // namespace

Session::Session(io::Descriptor socket, Services& services,
                 std::chrono::milliseconds handshake_time, std::uint64_t number)
    : channel_(std::in_place, std::move(socket)),
      services_(services),
      handshake_time_(handshake_time) {
  context_.stop = stop_.get_token();
  context_.request_id = "session-" + std::to_string(number);
}

void Session::run() noexcept {
  try {
    serve();
  } catch (const std::bad_alloc&) {
    fail({ErrorCode::kOutOfMemory, "lakehouse worker is out of memory", "",
          "Fetch fewer or narrower rows, or lower \"fetch_window\"."});
  } catch (const std::exception& exception) {
    services_.log.write(LogLevel::kError, "unexpected exception", context_.request_id,
                        {{"error", std::string_view(exception.what())}});
    fail({ErrorCode::kInternal, "request failed inside the lakehouse worker", "",
          "See the server's log."});
  }
  channel_.reset();
}

void Session::stop(Error reason) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    if (!stop_reason_) stop_reason_ = std::move(reason);
  }
  stop_.request_stop();
}

void Session::serve() {
  const Context handshake{Deadline::in(handshake_time_), stop_.get_token(), {}};
  if (Status greeted = greet(handshake); !greeted) return fail(greeted.error());
  auto request = receive(kMaxRequestBytes, handshake);
  if (!request) return fail(request.error());
  if (request->type == wire::MessageType::kRecordAudit) return keep_recording(*std::move(request));
  const std::jthread reader([this](std::stop_token done) { watch(std::move(done)); });
  handle_frame(*std::move(request));
}

Status Session::greet(const Context& handshake) {
  auto frame = receive(kMaxSmallBytes, handshake);
  if (!frame) return frame.error();
  if (frame->type != wire::MessageType::kHello) {
    return protocol_error("connection to the worker does not begin with a greeting");
  }
  auto hello = wire::decode<wire::Hello>(frame->body);
  if (!hello) return hello.error();
  if (hello->protocol_version != wire::kProtocolVersion) {
    return protocol_error("extension and worker are of different versions");
  }
  if (log::is_request_id(hello->request_id)) context_.request_id = hello->request_id;
  return kDone;
}

Result<io::Frame> Session::receive(std::uint32_t max_body_bytes, const Context& handshake) {
  auto frame = channel_->receive(max_body_bytes, handshake);
  if (!frame) return frame.error();
  if (!frame->has_value()) return client_gone_error();
  return **std::move(frame);
}

// The reader's whole life. Whatever it finds that is not credit ends the request.
void Session::watch(std::stop_token done) noexcept {
  try {
    read_credit(done);
  } catch (const std::exception&) {
    stop({ErrorCode::kOutOfMemory, "lakehouse worker is out of memory", "", ""});
  }
}

void Session::read_credit(const std::stop_token& done) {
  for (;;) {
    auto frame = channel_->receive(kMaxSmallBytes, Context{Deadline::never(), done, {}});
    if (done.stop_requested()) return;
    if (!frame) return stop(frame.error());
    if (!frame->has_value()) return stop(client_gone_error());
    if ((*frame)->type != wire::MessageType::kCredit) {
      return stop(protocol_error("unexpected message after a request"));
    }
    const auto credit = wire::decode<wire::Credit>((*frame)->body);
    if (!credit) return stop(credit.error());
    credit_.add(credit->batches);
  }
}

void Session::handle_frame(io::Frame request) {
  using enum wire::MessageType;
  switch (request.type) {
    case kOpenScan:
      return open_scan(request);
    case kDescribeSchema:
      return answer_one<wire::DescribeSchema>(request);
    case kTestConnection:
      return answer_one<wire::TestConnection>(request);
    case kSealSecret:
      return answer_one<wire::SealSecret>(request);
    case kStoreSecret:
      return answer_one<wire::StoreSecret>(request);
    case kAddKey:
      return answer_one<wire::AddKey>(request);
    case kListKeys:
      return answer_one<wire::ListKeys>(request);
    case kRetireKey:
      return answer_one<wire::RetireKey>(request);
    case kVerifyAudit:
      return answer_one<wire::VerifyAudit>(request);
    case kPublishNow:
      return answer_one<wire::PublishNow>(request);
    case kWorkerStatus:
      return answer_one<wire::WorkerStatus>(request);
    default:
      return fail(protocol_error("unknown request to the worker"));
  }
}

void Session::open_scan(io::Frame& request) {
  auto scan = wire::decode<wire::OpenScan>(request.body);
  std::string().swap(request.body);  // it may be megabytes, and a cursor may rest for hours
  if (!scan) return fail(scan.error());
  const auto use = use_of(scan->connection_id);
  run_scan(
      *std::move(scan), ScanClient{*channel_, credit_}, services_,
      [this](const Error& error) { tell(error); }, context_);
}

// Before the connection's row is read: a revocation after that finds the session here.
Uses::Use Session::use_of(const std::string& connection_id) {
  return services_.uses.enter(connection_id, [this](const Error& reason) { stop(reason); });
}

// No reader thread: a record that was begun is ended, whether or not its backend still waits.
void Session::keep_recording(io::Frame request) {
  while (record(request)) {
    const Context idle{Deadline::in(kRecordingIdleTime), stop_.get_token(), {}};
    auto next = channel_->receive(kMaxRecordBytes, idle);
    if (!next || !next->has_value()) return;
    request = **std::move(next);
    if (request.type != wire::MessageType::kRecordAudit) {
      return fail(protocol_error("unexpected message after a request"));
    }
  }
}

// False: it failed, and the client was told.
bool Session::record(io::Frame& request) {
  auto message = wire::decode<wire::RecordAudit>(request.body);
  if (!message) {
    fail(message.error());
    return false;
  }
  auto answer = handle(*std::move(message), services_, context_);
  if (!answer) {
    fail(answer.error());
    return false;
  }
  // Also when a stop was asked for meanwhile: the record is there.
  const Context bounded{Deadline::in(kFailureTime), {}, {}};
  return channel_->send(*answer, bounded).is_ok();
}

template <typename Message>
void Session::answer_one(io::Frame& request) {
  auto message = wire::decode<Message>(request.body);
  Secret::wipe(request.body);
  if (!message) return fail(message.error());
  std::optional<Uses::Use> use;
  if constexpr (requires { message->connection_id; }) use.emplace(use_of(message->connection_id));
  auto answer = handle(*std::move(message), services_, context_);
  if (answer && !context_.stop.stop_requested()) {
    static_cast<void>(
        channel_->send(*std::move(answer), context_));  // a client that left wants no answer
  } else {
    fail(answer ? cancelled_error() : answer.error());
  }
}

void Session::fail(const Error& error) noexcept {
  tell(error);
  if (error.code == ErrorCode::kCancelled) return;
  services_.log.failure("request failed", error, context_.request_id);
}

// Once a stop was asked for, its reason is what the client should hear, not its consequences.
void Session::tell(const Error& error) noexcept {
  try {
    Error told = error;
    {
      const std::scoped_lock lock(mutex_);
      if (stop_reason_) told = *stop_reason_;
    }
    const Context bounded{Deadline::in(kFailureTime), {}, {}};
    // A client that left or does not read learns it from the closed socket.
    static_cast<void>(channel_->send(wire::to_failure(told), bounded));
  } catch (const std::exception&) {  // no memory to say so: the closed socket says it
  }
}

}  // namespace lakehouse::worker::gateway
