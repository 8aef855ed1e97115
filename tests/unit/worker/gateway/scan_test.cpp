// SPDX-License-Identifier: PostgreSQL
// Scans through a real socket: order, credit, failures, the client going away, the worker going
// away.
#include "worker/gateway/gateway_fixture.hpp"

#include <thread>

namespace lakehouse::worker::test {
namespace {

using Clock = std::chrono::steady_clock;

class Scan : public GatewayTest {};

TEST_F(Scan, delivers_batches_in_order_then_the_end) {
  Backend backend(socket_directory());
  backend.send(scan_with_credit(100));
  EXPECT_EQ(backend.receive_as<wire::ScanStarted>().query_id, "query-1");
  for (std::uint32_t i = 0; i < script_.batches; ++i) {
    const auto frame = backend.receive();
    ASSERT_TRUE(frame && frame->type == wire::MessageType::kBatch);
    EXPECT_EQ(frame->body, batch_bytes(script_, i));
  }
  const auto ended = backend.receive_as<wire::ScanEnded>();
  EXPECT_EQ(ended.rows, 30U);
  EXPECT_EQ(ended.bytes_received, 300U);
  EXPECT_EQ(ended.chunks, 3U);
  EXPECT_EQ(ended.remote_time_us, 1234U);
}

TEST_F(Scan, closes_the_statement_and_counts_the_outcome) {
  Backend backend(socket_directory());
  backend.send(scan_with_credit(100));
  while (backend.receive()->type != wire::MessageType::kScanEnded) {
  }
  ASSERT_TRUE(all_scans_have_ended());
  EXPECT_EQ(script_.closed, 1);
  EXPECT_EQ(counters_.scans_succeeded, 1U);
  EXPECT_EQ(counters_.scan_rows, 30U);
  EXPECT_EQ(counters_.received_bytes, 300U);
}

TEST_F(Scan, sends_no_batch_beyond_credit) {
  script_.batches = 5;
  Backend backend(socket_directory());
  backend.send(scan_with_credit(2));
  backend.receive_as<wire::ScanStarted>();
  EXPECT_EQ(backend.receive()->body, batch_bytes(script_, 0));
  EXPECT_EQ(backend.receive()->body, batch_bytes(script_, 1));
  ASSERT_TRUE(eventually([this] { return script_.taken_batches == 3; }));
  EXPECT_FALSE(backend.has_message_within(100ms));
  backend.send(wire::Credit{1});
  EXPECT_EQ(backend.receive()->body, batch_bytes(script_, 2));
  EXPECT_FALSE(backend.has_message_within(100ms));
}

TEST_F(Scan, needs_no_credit_for_an_empty_result) {
  script_.batches = 0;
  Backend backend(socket_directory());
  backend.send(scan_with_credit(0));
  backend.receive_as<wire::ScanStarted>();
  EXPECT_EQ(backend.receive_as<wire::ScanEnded>().rows, 0U);
}

TEST_F(Scan, carries_a_batch_larger_than_the_socket_buffer) {
  script_.batches = 2;
  script_.batch_bytes = 9U << 20U;
  Backend backend(socket_directory());
  backend.send(scan_with_credit(2));
  backend.receive_as<wire::ScanStarted>();
  EXPECT_EQ(backend.receive()->body, batch_bytes(script_, 0));
  EXPECT_EQ(backend.receive()->body, batch_bytes(script_, 1));
}

TEST_F(Scan, hands_the_whole_request_to_the_warehouse) {
  wire::OpenScan scan = scan_with_credit(10);
  scan.statement = std::string(16U << 20U, 's');
  scan.parameters = {{"p1", "BIGINT", false, "7"}, {"p2", "STRING", true, ""}};
  scan.columns = {{static_cast<std::uint8_t>(wire::CellType::kNumeric), 12, 2}};
  scan.window_bytes = 3U << 20U;
  scan.row_bound = 99;
  Backend backend(socket_directory());
  backend.send(scan);
  backend.receive_as<wire::ScanStarted>();
  const std::scoped_lock lock(script_.mutex);
  const warehouse::Query& query = script_.queries.at(0);
  EXPECT_EQ(query.statement, scan.statement);
  ASSERT_EQ(query.parameters.size(), 2U);
  EXPECT_EQ(query.parameters[0].value, "7");
  EXPECT_FALSE(query.parameters[1].value.has_value());
  EXPECT_EQ(query.columns.at(0).type, wire::CellType::kNumeric);
  EXPECT_EQ(query.columns.at(0).scale, 2);
  EXPECT_EQ(query.window_bytes, 3U << 20U);
  EXPECT_EQ(query.row_bound, 99U);
}

TEST_F(Scan, refuses_an_unknown_cell_type) {
  wire::OpenScan scan = scan_with_credit(1);
  scan.columns = {{wire::kCellTypeCount, 0, 0}};
  Backend backend(socket_directory());
  backend.send(scan);
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kProtocol);
  EXPECT_EQ(script_.submitted, 0);
}

TEST_F(Scan, tells_that_the_connection_does_not_exist) {
  wire::OpenScan scan = scan_with_credit(1);
  scan.connection_id = "unknown";
  Backend backend(socket_directory());
  backend.send(scan);
  const Error error = backend.receive_error();
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.hint, "Check it.");
}

TEST_F(Scan, bounds_the_wait_for_the_warehouse_by_the_request) {
  script_.blocks_in = Phase::kWait;
  wire::OpenScan scan = scan_with_credit(1);
  scan.timeout_ms = 50;
  Backend backend(socket_directory());
  backend.send(scan);
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(all_scans_have_ended());
  EXPECT_EQ(script_.closed, 1);
  EXPECT_EQ(counters_.scans_failed, 1U);
}

TEST_F(Scan, lets_a_slow_reader_take_longer_than_the_timeout) {
  wire::OpenScan scan = scan_with_credit(0);
  scan.timeout_ms = 50;
  Backend backend(socket_directory());
  backend.send(scan);
  backend.receive_as<wire::ScanStarted>();
  EXPECT_FALSE(backend.has_message_within(150ms));
  backend.send(wire::Credit{3});
  EXPECT_EQ(backend.receive()->body, batch_bytes(script_, 0));
}

TEST_F(Scan, logs_no_statement_and_no_parameter) {
  wire::OpenScan scan = scan_with_credit(10);
  scan.statement = "SELECT canary_statement";
  scan.parameters = {{"p1", "STRING", false, "canary_value"}};
  Backend backend(socket_directory(), "4711-12");
  backend.send(scan);
  while (backend.receive()->type != wire::MessageType::kScanEnded) {
  }
  gateway_.reset();
  EXPECT_NE(log_text_.str().find("\"request_id\":\"4711-12\""), std::string::npos);
  EXPECT_EQ(log_text_.str().find("canary"), std::string::npos);
}

TEST_F(Scan, runs_a_hundred_at_the_same_time) {
  constexpr int kScans = 100;
  script_.batches = 20;
  std::atomic<int> complete = 0;
  std::vector<std::jthread> backends;
  for (int i = 0; i < kScans; ++i) {
    backends.emplace_back([this, &complete] {
      Backend backend(socket_directory());
      backend.send(scan_with_credit(1));
      backend.receive_as<wire::ScanStarted>();
      for (std::uint32_t index = 0; index < script_.batches; ++index) {
        if (backend.receive()->body != batch_bytes(script_, index)) return;
        backend.grant(1);
      }
      if (backend.receive_as<wire::ScanEnded>().rows == 200) ++complete;
    });
  }
  backends.clear();
  EXPECT_EQ(complete, kScans);
  ASSERT_TRUE(all_scans_have_ended());
  EXPECT_EQ(script_.closed, kScans);
  EXPECT_EQ(counters_.scans_succeeded, static_cast<std::uint64_t>(kScans));
}

class ScanFailure : public GatewayTest, public testing::WithParamInterface<Phase> {};

TEST_P(ScanFailure, reaches_the_backend_with_all_its_fields) {
  script_.fails_in = GetParam();
  Backend backend(socket_directory());
  backend.send(scan_with_credit(1));
  if (GetParam() == Phase::kBatch) backend.receive_as<wire::ScanStarted>();
  const Error error = backend.receive_error();
  EXPECT_EQ(error.code, ErrorCode::kRemoteSql);
  EXPECT_EQ(error.message, "remote failed");
  EXPECT_EQ(error.detail, "Remote code 42.");
  EXPECT_EQ(error.hint, "Try again.");
  EXPECT_FALSE(backend.receive().has_value());
  ASSERT_TRUE(all_scans_have_ended());
}

TEST_P(ScanFailure, of_memory_is_answered_and_leaves_the_gateway_serving) {
  script_.throws_bad_alloc_in = GetParam();
  Backend backend(socket_directory());
  backend.send(scan_with_credit(1));
  if (GetParam() == Phase::kBatch) backend.receive_as<wire::ScanStarted>();
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kOutOfMemory);
  ASSERT_TRUE(all_scans_have_ended());
  Backend next(socket_directory());
  next.send(wire::WorkerStatus{});
  EXPECT_EQ(next.receive_as<wire::WorkerReport>().version, "test");
}

INSTANTIATE_TEST_SUITE_P(Phases, ScanFailure,
                         testing::Values(Phase::kSubmit, Phase::kWait, Phase::kBatch),
                         testing::PrintToStringParamName());

// Where a scan stands when its client or its worker goes away.
enum class Stand { kSubmit, kWait, kBatch, kCredit, kSend };

void PrintTo(Stand stand, std::ostream* out) {
  constexpr const char* kNames[] = {"submit", "wait", "batch", "credit", "send"};
  *out << kNames[static_cast<int>(stand)];
}

class ScanEnd : public GatewayTest, public testing::WithParamInterface<Stand> {
 protected:
  // Brings a scan of `backend` to the place under test, and waits until it is there.
  void advance(Backend& backend) {
    constexpr std::uint32_t kSomeCredit = 5;
    switch (GetParam()) {
      case Stand::kSubmit:
        script_.blocks_in = Phase::kSubmit;
        break;
      case Stand::kWait:
        script_.blocks_in = Phase::kWait;
        break;
      case Stand::kBatch:
        script_.blocks_in = Phase::kBatch;
        break;
      case Stand::kCredit:
        break;
      case Stand::kSend:
        script_.batch_bytes = 4U << 20U;
        script_.batches = 2 * kSomeCredit;  // so that it can't end before it is stopped
        break;
    }
    backend.send(scan_with_credit(GetParam() == Stand::kCredit ? 0 : kSomeCredit));
    const bool blocks = script_.blocks_in != Phase::kNone;
    ASSERT_TRUE(
        eventually([&] { return blocks ? script_.blocked == 1 : script_.taken_batches == 1; }));
  }
  int expected_statements() const { return GetParam() == Stand::kSubmit ? 0 : 1; }
};

TEST_P(ScanEnd, frees_the_remote_statement_when_the_backend_dies) {
  Backend backend(socket_directory());
  advance(backend);
  const auto began = Clock::now();
  backend.close();
  ASSERT_TRUE(all_scans_have_ended());
  EXPECT_LT(Clock::now() - began, 500ms);
  EXPECT_EQ(script_.closed, expected_statements());
  EXPECT_GE(script_.cancelled, expected_statements());
  EXPECT_TRUE(eventually([this] { return counters_.scans_cancelled == 1; }));
}

TEST_P(ScanEnd, is_told_to_the_backend_when_the_worker_stops) {
  Backend backend(socket_directory());
  advance(backend);
  const auto began = Clock::now();
  std::atomic<bool> is_clean = false;
  std::jthread stopping([&] { is_clean = gateway_->stop(Deadline::in(3s)); });
  std::optional<io::Frame> last;
  for (auto frame = backend.receive(); frame; frame = backend.receive()) last = std::move(frame);
  stopping.join();
  EXPECT_LT(Clock::now() - began, 2s);
  EXPECT_TRUE(is_clean);
  ASSERT_TRUE(last && last->type == wire::MessageType::kFailure);
  const Error error = wire::to_error(*wire::decode<wire::Failure>(last->body));
  EXPECT_EQ(error.code, ErrorCode::kWorkerNotRunning);
  EXPECT_EQ(error.message, "lakehouse worker is shutting down");
  EXPECT_EQ(script_.closed, expected_statements());
  EXPECT_GE(script_.cancelled, expected_statements());
}

INSTANTIATE_TEST_SUITE_P(Stands, ScanEnd,
                         testing::Values(Stand::kSubmit, Stand::kWait, Stand::kBatch,
                                         Stand::kCredit, Stand::kSend),
                         testing::PrintToStringParamName());

TEST_F(Scan, of_a_backend_that_does_not_read_holds_up_no_stop) {
  script_.batch_bytes = 4U << 20U;
  Backend backend(socket_directory());
  backend.send(scan_with_credit(5));
  ASSERT_TRUE(eventually([this] { return script_.taken_batches == 1; }));
  EXPECT_TRUE(gateway_->stop(Deadline::in(3s)));
  EXPECT_EQ(script_.closed, 1);
}

}  // namespace
}  // namespace lakehouse::worker::test
