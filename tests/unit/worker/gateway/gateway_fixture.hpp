// SPDX-License-Identifier: PostgreSQL
// A real gateway on a real socket over a scripted warehouse, and the backend's side of the socket.
#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "core/wire/codec.hpp"
#include "worker/gateway/gateway.hpp"
#include "worker/gateway/scripted_warehouse.hpp"
#include "worker/eventually.hpp"
#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::test {

using namespace std::chrono_literals;

class ScriptedSource final : public gateway::WarehouseSource {
 public:
  explicit ScriptedSource(Script& script) : warehouse_(make_scripted_warehouse(script)) {}
  Result<gateway::ConnectedWarehouse> find(const std::string& id, const Context&) override {
    if (id == "unknown") {
      return Error{ErrorCode::kNotFound, "warehouse connection does not exist", "", "Check it."};
    }
    return gateway::ConnectedWarehouse{warehouse_, "main", "sales"};
  }

 private:
  std::shared_ptr<warehouse::Warehouse> warehouse_;
};

class RecordingStore final : public gateway::SecretStore {
 public:
  Result<std::string> seal(const vault::Place& place, const Secret& plaintext) override {
    return "sealed:" + place.row_id + ":" + std::to_string(plaintext.reveal().size());
  }
  Result<std::uint64_t> store(const std::string& tenant, const std::string& connection,
                              const Secret& plaintext, const Context&) override {
    stored = tenant + "/" + connection + "=" + std::string(plaintext.reveal());
    return std::uint64_t{7};
  }
  std::string stored;
};

class RecordingKeys final : public gateway::KeyStore {
 public:
  Result<std::uint32_t> add(const Context&) override { return std::uint32_t{4}; }
  Result<std::vector<wire::ListedKey>> list(const Context&) override {
    return std::vector<wire::ListedKey>{{3, "2026-01-02 03:04:05 UTC", "", true, false, 17},
                                        {4, "", "", true, true, 0}};
  }
  Result<bool> retire(std::uint32_t id, const Context&) override {
    if (id == 4) return Error{ErrorCode::kInvalidArgument, "key 4 writes", "", "Add another."};
    return id == 3;
  }
};

// Waits until it is stopped for the tenant "slow", has nothing to do for any other.
class ScriptedPublisher final : public gateway::Publisher {
 public:
  Result<wire::PublishReport> publish_now(const wire::PublishNow& request,
                                          const Context& context) override {
    if (request.tenant_id != "slow") {
      return wire::PublishReport{{{"acme.accounts", 3, "WRITE", 1, 0, 0, 10, 20}}};
    }
    is_waiting = true;
    while (!context.stop.stop_requested()) std::this_thread::sleep_for(1ms);
    was_stopped = true;
    return cancelled_error();
  }
  std::atomic<bool> is_waiting = false, was_stopped = false;
};

class CountingAudit final : public gateway::AuditStore {
 public:
  Result<std::int64_t> record(wire::RecordAudit record) override {
    if (record.statement == "unwritable") {
      return Error{ErrorCode::kUnavailable, "no space", "", ""};
    }
    return ++count;
  }
  Result<wire::AuditReport> verify(const std::string& tenant_id, const Context&) override {
    return wire::AuditReport{tenant_id == "sound", count, 0, ""};
  }
  std::atomic<std::int64_t> count = 0;
};

// A connection as a backend has it.
class Backend {
 public:
  explicit Backend(const std::string& socket_directory, const std::string& request_id = "42-1")
      : socket_(connect(socket_directory)), channel_(io::Descriptor(::dup(socket_.get()))) {
    send(wire::Hello{wire::kProtocolVersion, 42, request_id});
  }
  struct NoHello {};
  Backend(const std::string& socket_directory, NoHello)
      : socket_(connect(socket_directory)), channel_(io::Descriptor(::dup(socket_.get()))) {}

  template <typename Message>
  void send(Message message) {
    const Status sent = channel_.send(std::move(message), within(5s));
    EXPECT_TRUE(sent.is_ok());
  }
  // Credit may cross the worker's last message, after which nobody reads it.
  void grant(std::uint32_t batches) {
    static_cast<void>(channel_.send(wire::Credit{batches}, within(5s)));
  }
  void send_raw(std::string_view bytes) {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // Nothing when the worker has closed the connection.
  std::optional<io::Frame> receive() {
    auto frame = channel_.receive(wire::kMaxFrameBytes - 1, within(10s));
    EXPECT_TRUE(frame.is_ok()) << "no answer";
    return frame ? *std::move(frame) : std::nullopt;
  }
  template <typename Message>
  Message receive_as() {
    auto frame = receive();
    if (!frame || frame->type != Message::kType) {
      ADD_FAILURE() << "unexpected answer: "
                    << (frame ? std::string(1, static_cast<char>(frame->type)) : "end");
      return {};
    }
    auto message = wire::decode<Message>(frame->body);
    EXPECT_TRUE(message.is_ok());
    return message ? *message : Message{};
  }
  Error receive_error() { return wire::to_error(receive_as<wire::Failure>()); }
  bool has_message_within(std::chrono::milliseconds span) {
    return channel_.receive(wire::kMaxFrameBytes - 1, within(span)).is_ok();
  }
  void close() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    socket_.reset();
  }

 private:
  static Context within(std::chrono::milliseconds span) { return {Deadline::in(span), {}, {}}; }
  static io::Descriptor connect(const std::string& socket_directory) {
    io::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket_directory + "/worker.sock";
    path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0)
        << path;
    return socket;
  }

  io::Descriptor socket_;
  io::Channel channel_;
};

inline wire::OpenScan scan_with_credit(std::uint32_t credit) {
  wire::OpenScan scan;
  scan.connection_id = "c1";
  scan.statement = "SELECT 1";
  scan.credit = credit;
  return scan;
}

class GatewayTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  void start(std::size_t max_connections = 512, std::chrono::milliseconds handshake_time = 5s) {
    gateway_.reset();
    gateway::Gateway::Options options;
    options.socket_directory = directory_.path() + "/socket";
    options.max_connections = max_connections;
    options.handshake_time = handshake_time;
    auto started = gateway::Gateway::start(options, services());
    ASSERT_TRUE(started.is_ok()) << started.error().message;
    gateway_ = *std::move(started);
  }
  gateway::Services services() {
    const auto report = [this](const Context&) {
      wire::WorkerReport made;
      made.version = "test";
      made.open_scans = static_cast<std::uint32_t>(counters_.open_scans);
      return made;
    };
    return {source_, store_, keys_, uses_, audit_, publisher_, report, counters_, log_};
  }
  std::string socket_directory() const { return directory_.path() + "/socket"; }
  bool all_scans_have_ended() {
    return eventually([this] { return counters_.open_scans == 0 && script_.open == 0; });
  }

  TemporaryDirectory directory_;
  Script script_;
  ScriptedSource source_{script_};
  RecordingStore store_;
  RecordingKeys keys_;
  gateway::Uses uses_;
  CountingAudit audit_;
  ScriptedPublisher publisher_;
  metrics::Counters counters_;
  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
  std::unique_ptr<gateway::Gateway> gateway_;
};

}  // namespace lakehouse::worker::test
