// SPDX-License-Identifier: PostgreSQL
// What a session does with a client that breaks the protocol, and the requests with one answer.
#include "worker/gateway/gateway_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class Session : public GatewayTest {
 protected:
  void expect_refused(Backend& backend) {
    EXPECT_EQ(backend.receive_error().code, ErrorCode::kProtocol);
    EXPECT_FALSE(backend.receive().has_value());
  }
};

TEST_F(Session, refuses_another_protocol_version) {
  Backend backend(socket_directory(), Backend::NoHello{});
  backend.send(wire::Hello{wire::kProtocolVersion + 1, 1, "1-1"});
  expect_refused(backend);
}

TEST_F(Session, refuses_a_request_without_greeting) {
  Backend backend(socket_directory(), Backend::NoHello{});
  backend.send(wire::WorkerStatus{});
  expect_refused(backend);
}

TEST_F(Session, refuses_a_frame_of_length_zero) {
  Backend backend(socket_directory(), Backend::NoHello{});
  backend.send_raw(std::string_view("\0\0\0\0H", 5));
  expect_refused(backend);
}

TEST_F(Session, refuses_a_frame_above_the_protocol_limit) {
  Backend backend(socket_directory());
  backend.send_raw(std::string_view("\xFF\xFF\xFF\xFFO", 5));
  expect_refused(backend);
}

TEST_F(Session, refuses_a_request_above_its_own_limit) {
  Backend backend(socket_directory());
  backend.send_raw(wire::encode_header(wire::MessageType::kOpenScan, 100U << 20U));
  expect_refused(backend);
}

TEST_F(Session, refuses_a_malformed_body) {
  Backend backend(socket_directory());
  backend.send_raw(wire::encode_header(wire::MessageType::kOpenScan, 3) + "abc");
  expect_refused(backend);
}

TEST_F(Session, refuses_an_unknown_request) {
  Backend backend(socket_directory());
  backend.send_raw(wire::encode_header(static_cast<wire::MessageType>('?'), 0));
  expect_refused(backend);
}

TEST_F(Session, refuses_a_second_request_and_ends_the_first) {
  script_.blocks_in = Phase::kWait;
  Backend backend(socket_directory());
  backend.send(scan_with_credit(1));
  ASSERT_TRUE(eventually([this] { return script_.blocked == 1; }));
  backend.send(scan_with_credit(1));
  expect_refused(backend);
  ASSERT_TRUE(all_scans_have_ended());
  EXPECT_EQ(script_.submitted, 1);
}

TEST_F(Session, ends_when_the_client_leaves_in_the_middle_of_a_frame) {
  Backend backend(socket_directory());
  ASSERT_TRUE(eventually([this] { return counters_.open_connections == 1; }));
  backend.send_raw(wire::encode_header(wire::MessageType::kOpenScan, 1000) + "begin");
  backend.close();
  EXPECT_TRUE(eventually([this] { return counters_.open_connections == 0; }));
}

TEST_F(Session, records_again_and_again_on_one_connection) {
  Backend backend(socket_directory());
  for (std::int64_t seq = 1; seq <= 3; ++seq) {
    backend.send(wire::RecordAudit{});
    EXPECT_EQ(backend.receive_as<wire::Recorded>().seq, seq);
  }
  backend.close();
  EXPECT_TRUE(eventually([this] { return counters_.open_connections == 0; }));
}

TEST_F(Session, ends_after_a_record_that_could_not_be_written) {
  Backend backend(socket_directory());
  wire::RecordAudit record;
  record.statement = "unwritable";
  backend.send(record);
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(backend.receive().has_value());
}

TEST_F(Session, refuses_another_request_after_a_record) {
  Backend backend(socket_directory());
  backend.send(wire::RecordAudit{});
  EXPECT_EQ(backend.receive_as<wire::Recorded>().seq, 1);
  backend.send(wire::WorkerStatus{});
  expect_refused(backend);
}

TEST_F(Session, idle_recording_connection_does_not_hold_up_a_stop) {
  Backend backend(socket_directory());
  backend.send(wire::RecordAudit{});
  EXPECT_EQ(backend.receive_as<wire::Recorded>().seq, 1);
  EXPECT_TRUE(gateway_->stop(Deadline::in(5s)));
}

TEST_F(Session, answers_with_the_report_on_an_audit_log) {
  Backend backend(socket_directory());
  backend.send(wire::VerifyAudit{"sound"});
  EXPECT_TRUE(backend.receive_as<wire::AuditReport>().is_intact);
}

TEST_F(Session, answers_a_publish_with_its_versions) {
  Backend backend(socket_directory());
  backend.send(wire::PublishNow{"acme", "ann"});
  const auto report = backend.receive_as<wire::PublishReport>();
  ASSERT_EQ(report.versions.size(), 1U);
  EXPECT_EQ(report.versions[0].version, 3);
}

TEST_F(Session, stops_a_publish_when_the_client_leaves) {
  Backend backend(socket_directory());
  backend.send(wire::PublishNow{"slow", "ann"});
  ASSERT_TRUE(eventually([this] { return publisher_.is_waiting.load(); }));
  backend.close();
  EXPECT_TRUE(eventually([this] { return publisher_.was_stopped.load(); }));
}

TEST_F(Session, bounds_the_time_of_the_handshake) {
  start(512, 50ms);
  Backend backend(socket_directory());
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kTimeout);
  EXPECT_FALSE(backend.receive().has_value());
}

TEST_F(Session, is_refused_beyond_the_limit_and_welcome_again_below_it) {
  start(2);
  script_.blocks_in = Phase::kWait;
  Backend first(socket_directory());
  Backend second(socket_directory());
  first.send(scan_with_credit(1));
  second.send(scan_with_credit(1));
  ASSERT_TRUE(eventually([this] { return script_.blocked == 2; }));
  Backend third(socket_directory(), Backend::NoHello{});
  EXPECT_EQ(third.receive_error().code, ErrorCode::kCapExceeded);
  first.close();
  ASSERT_TRUE(eventually([this] { return counters_.open_connections == 1; }));
  const auto is_served = [this] {
    Backend next(socket_directory(), Backend::NoHello{});
    return !next.has_message_within(20ms);
  };
  EXPECT_TRUE(eventually(is_served));
}

TEST_F(Session, describes_a_schema_and_defaults_to_the_connections_own) {
  wire::DescribeSchema request;
  request.connection_id = "c1";
  request.filter = static_cast<std::uint8_t>(warehouse::NameFilter::kExcept);
  request.names = {"old"};
  Backend backend(socket_directory());
  backend.send(request);
  const auto description = backend.receive_as<wire::SchemaDescription>();
  EXPECT_EQ(description.catalog, "main");
  ASSERT_EQ(description.tables.size(), 1U);
  EXPECT_EQ(description.tables[0].comment, "all orders");
  EXPECT_EQ(description.tables[0].columns.at(0).type_text, "bigint");
  EXPECT_FALSE(description.tables[0].columns.at(0).is_nullable);
  const std::scoped_lock lock(script_.mutex);
  EXPECT_EQ(script_.selection.schema, "sales");
  EXPECT_EQ(script_.selection.filter, warehouse::NameFilter::kExcept);
  EXPECT_EQ(script_.selection.names, std::vector<std::string>{"old"});
}

TEST_F(Session, refuses_an_unknown_name_filter) {
  wire::DescribeSchema request;
  request.connection_id = "c1";
  request.filter = 3;
  Backend backend(socket_directory());
  backend.send(request);
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kProtocol);
}

TEST_F(Session, stops_describing_when_the_client_leaves) {
  script_.blocks_in = Phase::kWait;
  wire::DescribeSchema request;
  request.connection_id = "c1";
  Backend backend(socket_directory());
  backend.send(request);
  ASSERT_TRUE(eventually([this] { return script_.blocked == 1; }));
  backend.close();
  EXPECT_TRUE(eventually([this] { return counters_.open_connections == 0; }));
}

TEST_F(Session, reports_every_step_of_a_connection_test) {
  Backend backend(socket_directory());
  backend.send(wire::TestConnection{"c1"});
  const auto report = backend.receive_as<wire::TestReport>();
  ASSERT_EQ(report.steps.size(), 2U);
  EXPECT_TRUE(report.steps[0].is_ok);
  EXPECT_EQ(report.steps[1].step, "authenticate");
  EXPECT_EQ(report.steps[1].duration_us, 7U);
  EXPECT_EQ(report.steps[1].detail, "token refused");
}

TEST_F(Session, seals_a_secret_for_its_place) {
  Backend backend(socket_directory());
  backend.send(wire::SealSecret{"t", "warehouse_connections", "r1", "secret", 3, "abcdef"});
  EXPECT_EQ(backend.receive_as<wire::SealedSecret>().envelope, "sealed:r1:6");
}

TEST_F(Session, stores_a_secret_and_never_logs_it) {
  Backend backend(socket_directory());
  backend.send(wire::StoreSecret{"acme", "lake", "canary"});
  EXPECT_EQ(backend.receive_as<wire::Stored>().version, 7U);
  gateway_.reset();
  EXPECT_EQ(store_.stored, "acme/lake=canary");
  EXPECT_EQ(log_text_.str().find("canary"), std::string::npos);
}

TEST_F(Session, refuses_an_empty_secret) {
  Backend backend(socket_directory());
  backend.send(wire::StoreSecret{"acme", "lake", ""});
  EXPECT_EQ(backend.receive_error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace lakehouse::worker::test
