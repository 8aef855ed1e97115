// SPDX-License-Identifier: PostgreSQL
// Key commands: what they get, what they may print, and how long they may take.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "core/vault/key_command.hpp"
#include "core/vault/vault.hpp"
#include "tests/unit/core/vault/temporary_directory.hpp"

namespace lakehouse::vault {
namespace {

using lakehouse::testing::read_text;
using lakehouse::testing::TemporaryDirectory;
using std::chrono::milliseconds;

const std::string kKey(64, 'b');

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

void expect_refused(const Result<KeyRing>& ring, const std::string& detail) {
  ASSERT_FALSE(ring.is_ok());
  EXPECT_EQ(ring.error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(ring.error().detail, detail);
  EXPECT_FALSE(ring.error().hint.empty());
}

TEST(KeyCommand, opens_a_vault_with_what_the_program_prints) {
  const auto vault = Vault::open_command({"/bin/echo", "5", kKey});
  ASSERT_TRUE(vault.is_ok());
  EXPECT_EQ((*vault)->writing_key_id(), 5U);
}

TEST(KeyCommand, passes_arguments_without_a_shell) {
  const auto ring = run_key_command({"/bin/echo", "$(id)", ";", "`id`"});
  expect_refused(ring, "Line 1 does not start with a key id.");
  const auto quoted = run_key_command({"/usr/bin/printf", "%s %s\n", "9", kKey});
  ASSERT_TRUE(quoted.is_ok());
  EXPECT_EQ(quoted->writing_key_id(), 9U);
}

TEST(KeyCommand, gets_no_open_file_and_no_input) {
  const int leaked = open("/dev/null", O_RDONLY);  // without close-on-exec
  ASSERT_GE(leaked, 3);
  // Key id 1 if only 0, 1, 2 and the listing's own descriptor are open and the input is empty.
  const auto ring =
      run_key_command(shell("test -e /proc/self/fd/" + std::to_string(leaked) +
                            " && exit 9; test -n \"$(cat)\" && exit 8; echo 1 " + kKey));
  close(leaked);
  ASSERT_TRUE(ring.is_ok()) << ring.error().detail;
}

TEST(KeyCommand, with_a_relative_path_is_refused) {
  expect_refused(run_key_command({"echo", "1", kKey}), "Its path is not absolute.");
  expect_refused(run_key_command({}), "Its path is not absolute.");
}

TEST(KeyCommand, that_can_not_start_is_refused) {
  expect_refused(run_key_command({"/nowhere/at/all"}), "It could not be started.");
}

TEST(KeyCommand, that_fails_is_refused_although_it_printed_a_key) {
  expect_refused(run_key_command(shell("echo 1 " + kKey + "; exit 3")), "Its exit status was 3.");
  expect_refused(run_key_command(shell("echo 1 " + kKey + "; kill -9 $$")),
                 "It was ended by signal 9.");
}

TEST(KeyCommand, that_prints_no_key_is_refused) {
  expect_refused(run_key_command({"/bin/true"}), "It printed no key.");
}

TEST(KeyCommand, that_prints_too_much_is_stopped) {
  expect_refused(run_key_command(shell("while :; do echo '# never ends'; done")),
                 "It printed more than 4096 bytes.");
}

TEST(KeyCommand, that_takes_too_long_is_killed_with_its_children) {
  const TemporaryDirectory directory;
  const std::string path = directory.at("pid");
  const auto started = std::chrono::steady_clock::now();
  expect_refused(
      run_key_command(shell("sleep 60 & echo $! > " + path + "; wait"), milliseconds(300)),
      "It did not finish in time.");
  EXPECT_LT(std::chrono::steady_clock::now() - started, milliseconds(1500));
  const int child = std::stoi(read_text(path));
  // Killed with the group; it may still wait to be collected, but then it has no command line.
  const std::string command_line = "/proc/" + std::to_string(child) + "/cmdline";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!read_text(command_line).empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(read_text(command_line), "");
}

TEST(KeyCommand, that_closes_its_output_and_stays_is_killed) {
  expect_refused(
      run_key_command(shell("echo 1 " + kKey + "; exec >&-; sleep 60"), milliseconds(300)),
      "It did not finish in time.");
}

}  // namespace
}  // namespace lakehouse::vault
