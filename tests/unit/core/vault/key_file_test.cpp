// SPDX-License-Identifier: PostgreSQL
// Key files: which are trusted, and how a new one comes to be (C-09).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "core/vault/key_file.hpp"
#include "core/vault/vault.hpp"
#include "tests/unit/core/vault/temporary_directory.hpp"

namespace lakehouse::vault {
namespace {

using lakehouse::testing::read_text;
using lakehouse::testing::TemporaryDirectory;

const std::string kKeyLine = "1 " + std::string(64, 'a') + "\n";

class KeyFile : public ::testing::Test {
 protected:
  void expect_refused(const std::string& path, const std::string& detail) {
    const auto vault = Vault::open_file(path);
    ASSERT_FALSE(vault.is_ok());
    EXPECT_EQ(vault.error().code, ErrorCode::kUnauthenticated);
    EXPECT_NE(vault.error().message.find(path), std::string::npos);
    EXPECT_EQ(vault.error().detail, detail);
    EXPECT_FALSE(vault.error().hint.empty());
    EXPECT_EQ((vault.error().detail + vault.error().hint).find("aaaa"), std::string::npos);
  }

  TemporaryDirectory directory_;
};

TEST_F(KeyFile, readable_by_its_owner_alone_is_used) {
  for (const mode_t mode : {0400, 0600}) {
    const auto vault = Vault::open_file(directory_.write(std::to_string(mode), kKeyLine, mode));
    ASSERT_TRUE(vault.is_ok());
    EXPECT_EQ((*vault)->writing_key_id(), 1U);
  }
}

TEST_F(KeyFile, absent_is_refused) {
  expect_refused(directory_.at("absent"), "The system says: No such file or directory.");
}

TEST_F(KeyFile, open_to_group_or_others_is_refused) {
  for (const mode_t mode : {0440, 0420, 0410, 0404, 0402, 0401, 0644}) {
    expect_refused(directory_.write(std::to_string(mode), kKeyLine, mode),
                   "Its group or others have permissions on it.");
  }
}

TEST_F(KeyFile, of_another_user_is_refused) {
  if (geteuid() != 0) {
    // Without root's rights no file can be given away; one of root's that is closed to others has
    // the same owner problem, and can't even be opened.
    const std::string path = "/etc/shadow";
    const auto vault = Vault::open_file(path);
    ASSERT_FALSE(vault.is_ok());
    EXPECT_EQ(vault.error().code, ErrorCode::kUnauthenticated);
    return;
  }
  const std::string path = directory_.write("foreign", kKeyLine, 0400);
  ASSERT_EQ(chown(path.c_str(), 65534, 65534), 0);
  expect_refused(path, "It belongs to another user.");
}

TEST_F(KeyFile, behind_a_link_is_refused) {
  const std::string target = directory_.write("target", kKeyLine, 0400);
  ASSERT_EQ(symlink(target.c_str(), directory_.at("link").c_str()), 0);
  expect_refused(directory_.at("link"), "The system says: Too many levels of symbolic links.");
}

TEST_F(KeyFile, that_is_a_pipe_or_a_directory_is_refused_without_waiting) {
  ASSERT_EQ(mkfifo(directory_.at("pipe").c_str(), 0400), 0);
  expect_refused(directory_.at("pipe"), "It is not a regular file.");
  ASSERT_EQ(mkdir(directory_.at("directory").c_str(), 0700), 0);
  expect_refused(directory_.at("directory"), "It is not a regular file.");
}

TEST_F(KeyFile, empty_short_or_malformed_is_refused) {
  expect_refused(directory_.write("empty", "", 0400), "It holds no key.");
  expect_refused(directory_.write("short", kKeyLine.substr(0, 60), 0400),
                 "Line 1 does not end with 64 hexadecimal digits.");
  expect_refused(directory_.write("twice", kKeyLine + kKeyLine, 0400), "Line 2 repeats a key id.");
}

TEST_F(KeyFile, that_is_too_large_is_refused) {
  const std::string text = kKeyLine + "#" + std::string(kMaxKeyTextBytes, 'x');
  expect_refused(directory_.write("large", text, 0400), "It is larger than 16 kB.");
}

TEST_F(KeyFile, created_one_is_closed_to_others_and_opens) {
  const std::string path = directory_.at("master.key");
  const auto created = Vault::create_file_if_missing(path);
  ASSERT_TRUE(created.is_ok());
  EXPECT_TRUE(*created);
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0400U);
  EXPECT_EQ(facts.st_nlink, 1U);
  EXPECT_TRUE(Vault::open_file(path).is_ok());
}

TEST_F(KeyFile, created_ones_differ) {
  ASSERT_TRUE(Vault::create_file_if_missing(directory_.at("a")).is_ok());
  ASSERT_TRUE(Vault::create_file_if_missing(directory_.at("b")).is_ok());
  EXPECT_NE(read_text(directory_.at("a")), read_text(directory_.at("b")));
}

TEST_F(KeyFile, existing_one_is_left_alone) {
  const std::string path = directory_.write("master.key", "anything", 0644);
  const auto created = Vault::create_file_if_missing(path);
  ASSERT_TRUE(created.is_ok());
  EXPECT_FALSE(*created);
  EXPECT_EQ(read_text(path), "anything");
}

TEST_F(KeyFile, dangling_link_is_not_followed_by_creation) {
  ASSERT_EQ(symlink(directory_.at("target").c_str(), directory_.at("link").c_str()), 0);
  const auto created = Vault::create_file_if_missing(directory_.at("link"));
  ASSERT_TRUE(created.is_ok());
  EXPECT_FALSE(*created);
  EXPECT_FALSE(std::filesystem::exists(directory_.at("target")));
}

TEST_F(KeyFile, creation_in_an_absent_directory_fails_with_a_hint) {
  const auto created = Vault::create_file_if_missing(directory_.at("absent/master.key"));
  ASSERT_FALSE(created.is_ok());
  EXPECT_EQ(created.error().code, ErrorCode::kUnauthenticated);
  EXPECT_FALSE(created.error().hint.empty());
}

TEST_F(KeyFile, racing_creators_make_one_file_and_leave_no_draft) {
  const std::string path = directory_.at("master.key");
  std::atomic<int> creations = 0;
  std::atomic<int> failures = 0;
  std::vector<std::thread> creators;
  for (int i = 0; i < 8; ++i) {
    creators.emplace_back([&] {
      const auto created = Vault::create_file_if_missing(path);
      if (!created) ++failures;
      if (created && *created) ++creations;
    });
  }
  for (std::thread& creator : creators) creator.join();
  EXPECT_EQ(creations, 1);
  EXPECT_EQ(failures, 0);
  const std::filesystem::directory_iterator entries(directory_.at(""));
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
  EXPECT_TRUE(Vault::open_file(path).is_ok());
}

std::set<std::uint32_t> ids_of(const std::string& path) {
  const auto ring = read_key_file(path);
  EXPECT_TRUE(ring.is_ok()) << ring.error().detail;
  if (!ring) return {};
  return {ring->ids().begin(), ring->ids().end()};
}

TEST_F(KeyFile, added_key_is_new_writes_and_leaves_the_others) {
  const std::string path = directory_.write("master.key", "# mine\n" + kKeyLine, 0400);
  const auto added = add_key_to_file(path, 0);
  ASSERT_TRUE(added.is_ok()) << added.error().detail;
  EXPECT_EQ(*added, 2U);
  const auto ring = read_key_file(path);
  ASSERT_TRUE(ring.is_ok());
  EXPECT_EQ(ring->writing_key_id(), 2U);
  EXPECT_EQ((*ring->find(1))[0], 0xAA);
  EXPECT_TRUE(read_text(path).starts_with("# mine\n" + kKeyLine + "2 "));
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0400U);
}

TEST_F(KeyFile, added_key_never_takes_an_id_that_was_used) {
  const std::string path = directory_.write("master.key", kKeyLine, 0400);
  EXPECT_EQ(*add_key_to_file(path, 7), 8U);
  EXPECT_EQ(*add_key_to_file(path, 3), 9U);
  EXPECT_FALSE(add_key_to_file(path, 4'294'967'295U).is_ok());
}

TEST_F(KeyFile, key_is_added_after_a_line_without_an_end) {
  const std::string path =
      directory_.write("master.key", kKeyLine.substr(0, kKeyLine.size() - 1), 0400);
  ASSERT_TRUE(add_key_to_file(path, 0).is_ok());
  EXPECT_EQ(ids_of(path), (std::set<std::uint32_t>{1, 2}));
}

TEST_F(KeyFile, no_more_keys_are_added_than_can_be_read) {
  const std::string path = directory_.write("master.key", kKeyLine, 0400);
  for (std::size_t keys = 1; keys < kMaxKeys; ++keys) ASSERT_TRUE(add_key_to_file(path, 0).is_ok());
  EXPECT_FALSE(add_key_to_file(path, 0).is_ok());
  EXPECT_EQ(ids_of(path).size(), kMaxKeys);
}

TEST_F(KeyFile, removed_key_is_gone_and_the_others_stay) {
  const std::string ones = "11 " + std::string(64, 'b') + "\n";
  const std::string path = directory_.write("master.key", "# 1 \n" + kKeyLine + ones, 0400);
  const auto removed = remove_key_from_file(path, 1);
  ASSERT_TRUE(removed.is_ok()) << removed.error().detail;
  EXPECT_TRUE(*removed);
  EXPECT_EQ(read_text(path), "# 1 \n" + ones);
  const auto again = remove_key_from_file(path, 1);
  ASSERT_TRUE(again.is_ok());
  EXPECT_FALSE(*again);
}

TEST_F(KeyFile, writing_key_is_not_removed) {
  const std::string path = directory_.write("master.key", kKeyLine, 0400);
  EXPECT_FALSE(remove_key_from_file(path, 1).is_ok());
  EXPECT_EQ(read_text(path), kKeyLine);
}

TEST_F(KeyFile, that_is_not_private_is_not_changed) {
  const std::string path = directory_.write("master.key", kKeyLine, 0440);
  const auto added = add_key_to_file(path, 0);
  ASSERT_FALSE(added.is_ok());
  EXPECT_EQ(added.error().detail, "Its group or others have permissions on it.");
  EXPECT_EQ(read_text(path), kKeyLine);
}

TEST_F(KeyFile, draft_of_a_killed_process_is_no_obstacle) {
  const std::string path = directory_.write("master.key", kKeyLine, 0400);
  directory_.write("master.key.new", "half a li", 0400);
  ASSERT_TRUE(add_key_to_file(path, 0).is_ok());
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  EXPECT_EQ(ids_of(path), (std::set<std::uint32_t>{1, 2}));
}

TEST_F(KeyFile, concurrent_changes_lose_no_key) {
  const std::string path = directory_.write("master.key", kKeyLine, 0400);
  std::vector<std::thread> threads;
  std::vector<std::uint32_t> added(8);
  for (std::uint32_t& id : added) {
    threads.emplace_back([&path, &id] { id = *add_key_to_file(path, 0); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::uint32_t>(added.begin(), added.end()).size(), added.size());
  EXPECT_EQ(ids_of(path).size(), added.size() + 1);
}

// C-08, the file's part: whenever the process dies, the file is whole and has every key it had.
TEST_F(KeyFile, change_that_is_killed_leaves_a_whole_file) {
  const std::string path = directory_.write("master.key", kKeyLine, 0400);
  for (int round = 0; round < 60; ++round) {
    const std::set<std::uint32_t> before = ids_of(path);
    const std::uint32_t oldest = *before.begin();
    const pid_t child = fork();
    if (child == 0) {
      const bool is_done = add_key_to_file(path, 0).is_ok() &&
                           (before.size() < 8 || remove_key_from_file(path, oldest).is_ok());
      _exit(is_done ? 0 : 1);
    }
    // The later rounds wait longer, so that some change is done on a busy machine too.
    usleep(static_cast<useconds_t>(round % 20) * 100 *
           (1U + 10U * static_cast<useconds_t>(round / 20)));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    std::set<std::uint32_t> after = ids_of(path);
    if (before.size() >= 8) after.insert(oldest);
    EXPECT_TRUE(std::ranges::includes(after, before)) << "round " << round;
    EXPECT_LE(after.size(), before.size() + 1);
  }
  EXPECT_GT(*ids_of(path).rbegin(), 1U);
}

}  // namespace
}  // namespace lakehouse::vault
