// SPDX-License-Identifier: PostgreSQL
// Who is ended when a connection is revoked: its users now, and nobody else.
#include "worker/gateway/uses.hpp"

#include "worker/gateway/gateway_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

const std::string kId = "0A000000-0000-0000-0000-000000000001";
const Error kReason{ErrorCode::kUnauthenticated, "revoked", "", "Connect again."};

TEST(Uses, ends_those_of_the_connection_however_its_id_is_written) {
  gateway::Uses uses;
  int ended = 0, others = 0;
  const auto count = [&ended](const Error&) { ++ended; };
  const auto one = uses.enter(kId, count);
  const auto two = uses.enter("{0a00000000000000-0000000000000001}", count);
  const auto other =
      uses.enter("0a000000-0000-0000-0000-000000000002", [&others](const Error&) { ++others; });
  EXPECT_EQ(uses.end("0a000000-0000-0000-0000-000000000001", kReason), 2U);
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(others, 0);
  EXPECT_EQ(uses.connections().size(), 2U);
}

TEST(Uses, leaves_alone_who_has_left) {
  gateway::Uses uses;
  int ended = 0;
  {
    const auto use = uses.enter(kId, [&ended](const Error&) { ++ended; });
    auto moved = uses.enter(kId, [&ended](const Error&) { ++ended; });
    const auto to = std::move(moved);
  }
  EXPECT_EQ(uses.end(kId, kReason), 0U);
  EXPECT_EQ(ended, 0);
  EXPECT_TRUE(uses.connections().empty());
}

class RevokedScan : public GatewayTest, public testing::WithParamInterface<Phase> {};

TEST_P(RevokedScan, is_told_why_and_its_remote_statement_is_closed) {
  script_.blocks_in = GetParam();
  Backend backend(socket_directory());
  backend.send(scan_with_credit(4));
  ASSERT_TRUE(eventually([this] { return script_.blocked > 0; }));
  EXPECT_EQ(uses_.end("c1", kReason), 1U);
  if (GetParam() == Phase::kBatch) backend.receive_as<wire::ScanStarted>();
  const Error error = backend.receive_error();
  EXPECT_EQ(error.code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(error.message, "revoked");
  EXPECT_TRUE(all_scans_have_ended());
  EXPECT_TRUE(uses_.connections().empty());
}

INSTANTIATE_TEST_SUITE_P(Phases, RevokedScan,
                         testing::Values(Phase::kSubmit, Phase::kWait, Phase::kBatch));

}  // namespace
}  // namespace lakehouse::worker::test
