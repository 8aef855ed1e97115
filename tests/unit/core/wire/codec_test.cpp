// SPDX-License-Identifier: PostgreSQL
// Messages: what is encoded decodes to the same; anything else is refused without reading too far.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "core/wire/codec.hpp"

namespace lakehouse::wire {
namespace {

OpenScan sample_scan() {
  OpenScan scan;
  scan.connection_id = "0b0c0d0e-0000-4000-8000-000000000001";
  scan.statement = std::string("SELECT '\0x'", 11);
  scan.parameters = {{"p1", "BIGINT", false, "42"}, {"p2", "STRING", true, ""}};
  scan.columns = {{3, 0, 0}, {11, 12, -2}};
  scan.window_bytes = std::uint64_t{1} << 40U;
  scan.credit = 4;
  scan.row_bound = 10;
  scan.timeout_ms = 30'000;
  return scan;
}

RecordAudit sample_record() {
  RecordAudit record;
  record.tenant_id = "0b0c0d0e-0000-4000-8000-000000000002";
  record.audit_id = "0b0c0d0e-0000-4000-8000-000000000003";
  record.phase = static_cast<std::uint8_t>(AuditPhase::kRefusal);
  record.at_us = -1;
  record.statement_hash = std::string(32, '\0');
  record.relations = {"tpch.orders", ""};
  record.code = "DDL_FORBIDDEN";
  record.bytes = std::int64_t{1} << 40U;
  record.remote_query_ids = {"01ef"};
  record.is_repeated = true;
  return record;
}

std::string body_of(const std::string& frame) { return frame.substr(kFrameHeaderBytes); }

// Message by message: encode, decode, encode again, compare.
template <typename Message>
void expect_round_trip(const Message& message) {
  const std::string frame = encode(message);
  const auto header = decode_header(std::string_view(frame).substr(0, kFrameHeaderBytes));
  ASSERT_TRUE(header.is_ok());
  EXPECT_EQ(header->type, Message::kType);
  EXPECT_EQ(header->body_bytes, frame.size() - kFrameHeaderBytes);
  const auto decoded = decode<Message>(body_of(frame));
  ASSERT_TRUE(decoded.is_ok());
  EXPECT_EQ(encode(*decoded), frame);
}

TEST(Codec, decodes_every_field_of_a_scan) {
  const auto scan = decode<OpenScan>(body_of(encode(sample_scan())));
  ASSERT_TRUE(scan.is_ok());
  EXPECT_EQ(scan->connection_id, sample_scan().connection_id);
  EXPECT_EQ(scan->statement, sample_scan().statement);
  ASSERT_EQ(scan->parameters.size(), 2U);
  EXPECT_EQ(scan->parameters[0].value, "42");
  EXPECT_FALSE(scan->parameters[0].is_null);
  EXPECT_TRUE(scan->parameters[1].is_null);
  ASSERT_EQ(scan->columns.size(), 2U);
  EXPECT_EQ(scan->columns[1].precision, 12);
  EXPECT_EQ(scan->columns[1].scale, -2);
  EXPECT_EQ(scan->window_bytes, std::uint64_t{1} << 40U);
  EXPECT_EQ(scan->credit, 4U);
  EXPECT_EQ(scan->row_bound, 10U);
  EXPECT_EQ(scan->timeout_ms, 30'000U);
}

TEST(Codec, every_message_round_trips) {
  expect_round_trip(Hello{kProtocolVersion, 4711, "4711-1"});
  expect_round_trip(sample_scan());
  expect_round_trip(Credit{3});
  expect_round_trip(ScanStarted{"01ef-query"});
  expect_round_trip(ScanEnded{1, 2, 3, 4});
  expect_round_trip(Failure{5, "message", "Detail.", "Hint."});
  expect_round_trip(DescribeSchema{"id", "main", "sales", 1, {"a", "b"}});
  expect_round_trip(SchemaDescription{
      "main", {{"t", "comment", {{"c", "decimal(12,2)", "", false}, {"d", "string", "x", true}}}}});
  expect_round_trip(TestConnection{"id"});
  expect_round_trip(TestReport{{{"connect", true, 12, ""}, {"query", false, 3, "No."}}});
  expect_round_trip(SealSecret{"tenant", "purpose", "row", "column", 7, "plain"});
  expect_round_trip(SealedSecret{std::string("\0\1\2", 3)});
  expect_round_trip(StoreSecret{"acme", "lake", "plain"});
  expect_round_trip(Stored{9});
  expect_round_trip(WorkerStatus{});
  WorkerReport report;
  report.version = "0.1.0";
  report.database_is_ok = true;
  expect_round_trip(report);
  expect_round_trip(sample_record());
  expect_round_trip(Recorded{std::int64_t{1} << 40U});
  expect_round_trip(VerifyAudit{"tenant"});
  expect_round_trip(AuditReport{false, 7, 3, "record 3 was changed"});
  expect_round_trip(PublishNow{"tenant", "ann"});
  expect_round_trip(PublishReport{{{"acme.accounts", 7, "WRITE", 1, 2, 3, 4096, 1'500}}});
  WorkerConfig config;
  config.database_port = 5432;
  config.allowed_private_hosts = {"localhost:1"};
  config.public_url = "https://crm.example.com";
  config.delta_sharing_base_url = "https://crm.example.com/delta-sharing";
  config.trusted_proxies = {"10.0.0.0/8"};
  config.delta_directory = "/srv/delta";
  config.delta_retention_minutes = 180;
  config.max_publishes = 2;
  config.publish_table_timeout_seconds = 1800;
  expect_round_trip(config);
}

TEST(Codec, refuses_a_body_cut_at_any_length) {
  const std::string body = body_of(encode(sample_scan()));
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto decoded = decode<OpenScan>(std::string_view(body).substr(0, size));
    ASSERT_FALSE(decoded.is_ok()) << size;
    EXPECT_EQ(decoded.error().code, ErrorCode::kProtocol);
  }
}

TEST(Codec, refuses_bytes_after_the_end) {
  EXPECT_FALSE(decode<Credit>(body_of(encode(Credit{1})) + "x").is_ok());
}

TEST(Codec, refuses_a_string_longer_than_the_body) {
  const std::uint32_t size = 0xFFFFFFFF;
  const std::string body(reinterpret_cast<const char*>(&size), sizeof(size));
  EXPECT_FALSE(decode<ScanStarted>(body).is_ok());
}

// A count of 2^32 - 1 items must end at the end of the bytes, not at the end of memory.
TEST(Codec, refuses_a_list_longer_than_the_body) {
  const std::uint32_t count = 0xFFFFFFFF;
  const std::string body(reinterpret_cast<const char*>(&count), sizeof(count));
  EXPECT_FALSE(decode<TestReport>(body).is_ok());
}

TEST(Codec, reads_any_non_zero_byte_as_true) {
  std::string body = body_of(encode(TestReport{{{"s", true, 0, ""}}}));
  const std::size_t place = 4 + 4 + 1;  // after the count and the step
  ASSERT_EQ(body[place], 1);
  body[place] = static_cast<char>(0x80);
  const auto decoded = decode<TestReport>(body);
  ASSERT_TRUE(decoded.is_ok());
  EXPECT_TRUE(decoded->steps[0].is_ok);
}

TEST(Codec, survives_random_bodies) {
  std::mt19937 random(20240501);
  for (int round = 0; round < 2000; ++round) {
    std::string body(random() % 200, '\0');
    // Small numbers, so that many counts and lengths are plausible.
    for (char& byte : body) byte = static_cast<char>(random() % 4 == 0 ? random() % 8 : 0);
    const auto decoded = decode<SchemaDescription>(body);
    if (!decoded) continue;
    EXPECT_EQ(body_of(encode(*decoded)).size(), body.size());
  }
}

TEST(Codec, refuses_a_frame_header_of_wrong_size_or_length) {
  const auto header_of = [](std::uint32_t length) {
    return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + "H";
  };
  EXPECT_TRUE(decode_header(header_of(1)).is_ok());
  EXPECT_TRUE(decode_header(header_of(kMaxFrameBytes)).is_ok());
  EXPECT_FALSE(decode_header(header_of(0)).is_ok());
  EXPECT_FALSE(decode_header(header_of(kMaxFrameBytes + 1)).is_ok());
  EXPECT_FALSE(decode_header(header_of(1).substr(0, 4)).is_ok());
  EXPECT_FALSE(decode_header(header_of(1) + "x").is_ok());
  EXPECT_FALSE(decode_header("").is_ok());
}

TEST(Codec, errors_cross_the_wire_whole) {
  const Error error{ErrorCode::kRemoteSql, "message", "Detail.", "Hint."};
  const Error back = to_error(to_failure(error));
  EXPECT_EQ(back.code, error.code);
  EXPECT_EQ(back.message, error.message);
  EXPECT_EQ(back.detail, error.detail);
  EXPECT_EQ(back.hint, error.hint);
}

TEST(Codec, unknown_error_code_becomes_internal) {
  EXPECT_EQ(to_error(Failure{kErrorCodeCount, "m", "", ""}).code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace lakehouse::wire
