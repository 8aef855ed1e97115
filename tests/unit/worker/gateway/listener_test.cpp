// SPDX-License-Identifier: PostgreSQL
// The socket directory, its lock, and two workers that want the same one.
#include "worker/gateway/gateway_fixture.hpp"

#include <sys/stat.h>

#include <fstream>
#include <thread>

namespace lakehouse::worker::test {
namespace {

using gateway::Listener;

Context within(std::chrono::milliseconds span) { return {Deadline::in(span), {}, {}}; }

TEST(Listener, makes_a_private_directory_and_socket) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/new";
  const auto listener = Listener::open(path, within(1s));
  ASSERT_TRUE(listener.is_ok());
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
  ASSERT_EQ(::stat((path + "/worker.sock").c_str(), &facts), 0);
  EXPECT_TRUE(S_ISSOCK(facts.st_mode));
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST(Listener, refuses_a_directory_open_to_others) {
  const TemporaryDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0750), 0);
  const auto listener = Listener::open(directory.path(), within(1s));
  ASSERT_FALSE(listener.is_ok());
  EXPECT_EQ(listener.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(listener.error().message.find("not private"), std::string::npos);
}

TEST(Listener, refuses_a_file_in_place_of_the_directory) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/file";
  std::ofstream(path) << "x";
  EXPECT_FALSE(Listener::open(path, within(1s)).is_ok());
}

TEST(Listener, refuses_a_path_longer_than_a_socket_address) {
  const auto listener = Listener::open("/tmp/" + std::string(200, 'x'), within(1s));
  ASSERT_FALSE(listener.is_ok());
  EXPECT_NE(listener.error().message.find("too long"), std::string::npos);
  EXPECT_FALSE(listener.error().hint.empty());
}

TEST(Listener, replaces_the_socket_of_a_dead_worker) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/worker.sock") << "left behind";
  EXPECT_TRUE(Listener::open(directory.path(), within(1s)).is_ok());
}

TEST(Listener, removes_its_socket_when_it_ends) {
  const TemporaryDirectory directory;
  { const auto listener = Listener::open(directory.path(), within(1s)); }
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/worker.sock"));
}

TEST(Listener, leaves_a_living_workers_socket_alone) {
  const TemporaryDirectory directory;
  const auto living = Listener::open(directory.path(), within(1s));
  ASSERT_TRUE(living.is_ok());
  const auto second = Listener::open(directory.path(), within(100ms));
  ASSERT_FALSE(second.is_ok());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/worker.sock"));
}

TEST(Listener, waits_for_an_older_worker_to_end) {
  const TemporaryDirectory directory;
  std::optional<Result<Listener>> older(Listener::open(directory.path(), within(1s)));
  ASSERT_TRUE(older->is_ok());
  std::atomic<bool> has_begun = false;
  std::optional<Result<Listener>> newer;
  std::jthread waiting([&] {
    has_begun = true;
    newer.emplace(Listener::open(directory.path(), within(5s)));
  });
  ASSERT_TRUE(eventually([&] { return has_begun.load(); }));
  older.reset();
  waiting.join();
  EXPECT_TRUE(newer->is_ok());
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/worker.sock"));
}

TEST(Listener, stops_waiting_when_asked) {
  const TemporaryDirectory directory;
  const auto living = Listener::open(directory.path(), within(1s));
  std::stop_source stop;
  stop.request_stop();
  const auto second =
      Listener::open(directory.path(), Context{Deadline::never(), stop.get_token(), {}});
  ASSERT_FALSE(second.is_ok());
  EXPECT_EQ(second.error().code, ErrorCode::kCancelled);
}

class Gateway : public GatewayTest {};

TEST_F(Gateway, serves_again_after_a_restart_on_the_same_directory) {
  start();
  Backend backend(socket_directory());
  backend.send(wire::WorkerStatus{});
  EXPECT_EQ(backend.receive_as<wire::WorkerReport>().version, "test");
}

TEST_F(Gateway, accepts_nothing_after_a_stop) {
  EXPECT_TRUE(gateway_->is_accepting());
  EXPECT_TRUE(gateway_->stop(Deadline::in(1s)));
  EXPECT_FALSE(gateway_->is_accepting());
  EXPECT_FALSE(std::filesystem::exists(socket_directory() + "/worker.sock"));
}

}  // namespace
}  // namespace lakehouse::worker::test
