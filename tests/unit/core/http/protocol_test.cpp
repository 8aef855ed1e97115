// SPDX-License-Identifier: PostgreSQL
// Which HTTP is spoken with a server that offers both.
#include "core/http/protocol.hpp"

#include "tests/unit/core/http/client_fixture.hpp"
#include "tests/unit/core/vault/temporary_directory.hpp"

namespace lakehouse::http {
namespace {

using testing::Certificate;
using testing::ClientTest;
using testing::Offer;
using testing::Peer;
using testing::Received;
using testing::reply;
using testing::seconds;
using testing::TestServer;

TEST(Http2, is_sound_from_8_16_on) {
  EXPECT_FALSE(has_sound_http2(0x075801));  // Debian 12
  EXPECT_FALSE(has_sound_http2(0x080E01));  // Debian 13
  EXPECT_TRUE(has_sound_http2(0x081000));
}

class Protocol : public ClientTest {
 protected:
  Protocol() {
    ClientOptions options = quick_options();
    options.ca_file = directory_.write("ca.pem", certificate_.pem(), 0600);
    client_ = make(std::move(options));
  }
  void expect_ok(Request request) {
    const auto response = client_->send(std::move(request), within(seconds(2)));
    ASSERT_TRUE(response.is_ok()) << response.error().message << response.error().detail;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "ok");
  }

  lakehouse::testing::TemporaryDirectory directory_;
  Certificate certificate_{"IP:127.0.0.1"};
  TestServer server_{[](Peer& peer, const Received&) { peer.send(reply(200, "ok")); },
                     &certificate_, Offer::kHttp2};
};

TEST_F(Protocol, is_http2_where_offered_and_sound) {
  for (int i = 0; i < 3; ++i) expect_ok(get(server_.url()));
  const std::string expected = has_sound_http2(loaded_curl_version()) ? "HTTP/2" : "HTTP/1.1";
  ASSERT_EQ(server_.requests().size(), 3U);
  for (const Received& request : server_.requests()) EXPECT_EQ(request.protocol, expected);
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(Protocol, of_a_post_that_must_not_run_twice_is_http1) {
  expect_ok(get(server_.url()));
  expect_ok(post(server_.url(), "SELECT 1", Retry::kRefused));
  const auto requests = server_.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].protocol, "HTTP/1.1");
  EXPECT_EQ(requests[1].body, "SELECT 1");
}

}  // namespace
}  // namespace lakehouse::http
