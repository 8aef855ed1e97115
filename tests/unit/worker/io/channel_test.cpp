// SPDX-License-Identifier: PostgreSQL
// Frames over a socket pair: whole, in pieces, cut, stopped.
#include "worker/io/channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "worker/io/readiness.hpp"

namespace lakehouse::worker::io {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMax = 1U << 20U;

class ChannelTest : public testing::Test {
 protected:
  ChannelTest() : ChannelTest(make_pair()) {}
  static Context within(std::chrono::milliseconds span) { return {Deadline::in(span), {}, {}}; }
  void write(std::string_view bytes) {
    ASSERT_EQ(::send(raw_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  Descriptor raw_;
  Channel channel_;

 private:
  static std::pair<int, int> make_pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {ends[0], ends[1]};
  }
  explicit ChannelTest(std::pair<int, int> ends)
      : raw_(ends.first), channel_(Descriptor(ends.second)) {}
};

TEST_F(ChannelTest, receives_a_frame_that_comes_byte_by_byte) {
  const std::string bytes = wire::encode(wire::Credit{7});
  std::jthread writer([&] {
    for (const char byte : bytes) write({&byte, 1});
  });
  const auto frame = channel_.receive(kMax, within(5s));
  ASSERT_TRUE(frame.is_ok() && frame->has_value());
  EXPECT_EQ(wire::decode<wire::Credit>((*frame)->body)->batches, 7U);
}

TEST_F(ChannelTest, tells_that_the_peer_has_gone) {
  write("\x09");
  raw_.reset();
  const auto frame = channel_.receive(kMax, within(5s));
  ASSERT_TRUE(frame.is_ok());
  EXPECT_FALSE(frame->has_value());
  EXPECT_TRUE(channel_.peer_is_gone());
  EXPECT_EQ(channel_.send(wire::Credit{1}, within(5s)).error().code, ErrorCode::kCancelled);
}

TEST_F(ChannelTest, allocates_no_more_than_what_has_arrived) {
  write(wire::encode_header(wire::MessageType::kOpenScan, 200U << 20U));
  raw_.reset();
  const auto frame = channel_.receive(wire::kMaxFrameBytes, within(5s));
  ASSERT_TRUE(frame.is_ok());
  EXPECT_FALSE(frame->has_value());
}

TEST_F(ChannelTest, ends_a_wait_when_stopped) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  const auto frame = channel_.receive(kMax, Context{Deadline::never(), stop.get_token(), {}});
  EXPECT_EQ(frame.error().code, ErrorCode::kCancelled);
}

TEST_F(ChannelTest, sends_nothing_after_half_a_frame) {
  const std::string large(8U << 20U, 'x');
  EXPECT_EQ(channel_.send(wire::MessageType::kBatch, large, within(20ms)).error().code,
            ErrorCode::kTimeout);
  EXPECT_FALSE(channel_.send(wire::Credit{1}, within(20ms)).is_ok());
}

TEST_F(ChannelTest, lets_a_reading_peer_have_the_rest_of_a_frame_after_a_stop) {
  const std::string large(8U << 20U, 'x');
  std::stop_source stop;
  std::size_t received = 0;
  std::jthread reader([&] {
    std::string block(1U << 20U, '\0');
    while (received < large.size() + wire::kFrameHeaderBytes) {
      const ssize_t count = ::recv(raw_.get(), block.data(), block.size(), 0);
      if (count <= 0) return;
      received += static_cast<std::size_t>(count);
      stop.request_stop();
    }
  });
  const Status sent = channel_.send(wire::MessageType::kBatch, large,
                                    Context{Deadline::never(), stop.get_token(), {}});
  reader.join();
  EXPECT_TRUE(sent.is_ok());
  EXPECT_EQ(received, large.size() + wire::kFrameHeaderBytes);
}

TEST(Readiness, of_nothing_is_a_pause_with_a_deadline) {
  EXPECT_EQ(wait_until_ready(-1, 0, Context{Deadline::in(1ms), {}, {}}), Readiness::kTimedOut);
}

}  // namespace
}  // namespace lakehouse::worker::io
