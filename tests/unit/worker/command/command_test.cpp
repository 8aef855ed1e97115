// SPDX-License-Identifier: PostgreSQL
// `secret set`, `key` and `status` against a real gateway; the secret from a pipe and from a
// terminal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <termios.h>

#include <thread>

#include "worker/command/key.hpp"
#include "worker/command/read_secret.hpp"
#include "worker/command/secret_set.hpp"
#include "worker/command/status.hpp"
#include "worker/gateway/gateway_fixture.hpp"

namespace lakehouse::worker::test {
namespace {

class Command : public GatewayTest {
 protected:
  Command() : signals_(process::Signals::block()) {}

  static io::Descriptor piped(const std::string& text) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    return io::Descriptor(ends[0]);
  }
  Result<std::string> set_secret(const std::string& text) {
    const io::Descriptor input = piped(text);
    return command::set_secret({socket_directory(), "acme", "lake"}, input.get(), *signals_);
  }

  Result<process::Signals> signals_;
};

TEST_F(Command, secret_set_stores_without_the_last_newline_and_prints_no_value) {
  const auto printed = set_secret("canary\n");
  ASSERT_TRUE(printed.is_ok()) << printed.error().message;
  EXPECT_EQ(*printed, "secret of connection \"lake\" of tenant \"acme\" stored, version 7");
  gateway_.reset();
  EXPECT_EQ(store_.stored, "acme/lake=canary");
}

TEST_F(Command, secret_set_takes_off_only_one_newline) {
  ASSERT_TRUE(set_secret("a\nb\n\n").is_ok());
  gateway_.reset();
  EXPECT_EQ(store_.stored, "acme/lake=a\nb\n");
}

TEST_F(Command, secret_set_refuses_an_empty_secret) {
  EXPECT_EQ(set_secret("\n").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(set_secret("").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Command, secret_set_refuses_a_secret_without_bound) {
  EXPECT_EQ(set_secret(std::string(100'000, 'x')).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Command, tells_that_no_worker_runs) {
  gateway_.reset();
  const auto printed = set_secret("x");
  ASSERT_FALSE(printed.is_ok());
  EXPECT_EQ(printed.error().code, ErrorCode::kWorkerNotRunning);
  EXPECT_FALSE(printed.error().hint.empty());
}

TEST_F(Command, status_shows_the_report) {
  const auto lines = command::show_status(socket_directory());
  ASSERT_TRUE(lines.is_ok());
  EXPECT_NE(lines->find("version           test\n"), std::string::npos);
  EXPECT_NE(lines->find("http address      not listening\n"), std::string::npos);
  EXPECT_NE(lines->find("database          not reachable\n"), std::string::npos);
}

TEST_F(Command, reads_a_secret_from_a_terminal_without_echo) {
  int master_fd = -1, slave_fd = -1;
  ASSERT_EQ(::openpty(&master_fd, &slave_fd, nullptr, nullptr, nullptr), 0);
  const io::Descriptor master(master_fd), slave(slave_fd);
  const auto echoes = [&slave] {
    termios facts{};
    return ::tcgetattr(slave.get(), &facts) == 0 && (facts.c_lflag & ECHO) != 0;
  };
  ASSERT_TRUE(echoes());
  std::optional<Result<Secret>> secret;
  std::jthread reader([&] { secret = command::read_secret(slave.get(), "Secret: ", *signals_); });
  ASSERT_TRUE(eventually([&] { return !echoes(); }));
  ASSERT_EQ(::write(master.get(), "typed\n", 6), 6);
  reader.join();
  ASSERT_TRUE(secret->is_ok());
  EXPECT_EQ((*secret)->reveal(), "typed");
  EXPECT_TRUE(echoes());
}

TEST_F(Command, leaves_the_terminal_as_it_was_when_interrupted) {
  int master_fd = -1, slave_fd = -1;
  ASSERT_EQ(::openpty(&master_fd, &slave_fd, nullptr, nullptr, nullptr), 0);
  const io::Descriptor master(master_fd), slave(slave_fd);
  termios facts{};
  std::optional<Result<Secret>> secret;
  std::jthread reader([&] { secret = command::read_secret(slave.get(), "Secret: ", *signals_); });
  ASSERT_TRUE(eventually(
      [&] { return ::tcgetattr(slave.get(), &facts) == 0 && (facts.c_lflag & ECHO) == 0; }));
  ASSERT_EQ(::pthread_kill(reader.native_handle(), SIGINT), 0);
  reader.join();
  EXPECT_EQ(secret->error().code, ErrorCode::kCancelled);
  ASSERT_EQ(::tcgetattr(slave.get(), &facts), 0);
  EXPECT_NE(facts.c_lflag & ECHO, 0U);
}

TEST_F(Command, key_commands_say_what_became_of_it) {
  EXPECT_THAT(*command::add_key(socket_directory()), testing::HasSubstr("master key 4 encrypts"));
  EXPECT_THAT(*command::retire_key(socket_directory(), 3), testing::HasSubstr("removed"));
  EXPECT_THAT(*command::retire_key(socket_directory(), 2), testing::HasSubstr("take it away"));
  EXPECT_EQ(command::retire_key(socket_directory(), 4).error().message, "key 4 writes");
}

TEST_F(Command, key_list_shows_state_and_need_of_each_key) {
  EXPECT_EQ(*command::list_keys(socket_directory()),
            "        id  since                    state       secrets\n"
            "         3  2026-01-02 03:04:05 UTC  reading          17\n"
            "         4  -                        writing           0\n");
}

}  // namespace
}  // namespace lakehouse::worker::test
