// SPDX-License-Identifier: PostgreSQL
// Files appear whole or not at all, and only below the root.
#include "core/delta/local_store.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "core/base/scope_exit.hpp"
#include "tests/unit/core/vault/temporary_directory.hpp"

namespace lakehouse::delta {
namespace {

using namespace std::chrono_literals;
using testing::TemporaryDirectory;
namespace fs = std::filesystem;

class LocalStoreTest : public ::testing::Test {
 protected:
  LocalStoreTest() {
    auto opened = LocalStore::open_root(directory_.at("root"));
    EXPECT_TRUE(opened.is_ok());
    if (opened) store_ = *std::move(opened);
  }

  std::string path(const std::string& name) const { return directory_.at("root/" + name); }

  std::string content(std::string_view name) {
    auto text = store_->get(name, 1 << 20, context_);
    return text ? *text : "error: " + text.error().message;
  }

  std::vector<std::string> names(std::string_view prefix) {
    std::vector<std::string> found;
    auto files = store_->list(prefix, context_);
    EXPECT_TRUE(files.is_ok());
    for (const auto& file : *files) found.push_back(file.name);
    return found;
  }

  // Everything below the root, finished or not.
  int entries() const {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.at("root"))) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<LocalStore> store_;
  Context context_;
};

TEST_F(LocalStoreTest, put_replaces_and_put_if_absent_keeps) {
  EXPECT_TRUE(store_->put("a/b/c", "one", context_).is_ok());
  EXPECT_TRUE(store_->put("a/b/c", "two", context_).is_ok());
  EXPECT_EQ(content("a/b/c"), "two");
  EXPECT_FALSE(*store_->put_if_absent("a/b/c", "three", context_));
  EXPECT_EQ(content("a/b/c"), "two");
  EXPECT_TRUE(*store_->put_if_absent("a/b/d", "three", context_));
  EXPECT_EQ(content("a/b/d"), "three");
  EXPECT_EQ(entries(), 2);
}

TEST_F(LocalStoreTest, of_many_writers_of_one_name_exactly_one_wins) {
  constexpr int kWriters = 8;
  std::atomic<int> winners = 0;
  std::vector<std::jthread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      const auto put = store_->put_if_absent("log/0.json", std::to_string(i), context_);
      winners += put.is_ok() && *put ? 1 : 0;
    });
  }
  writers.clear();
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(content("log/0.json").size(), 1U);
  EXPECT_EQ(entries(), 1);
}

TEST_F(LocalStoreTest, an_upload_is_invisible_until_it_is_finished) {
  {
    auto upload = store_->create("x", context_);
    ASSERT_TRUE(upload.is_ok());
    ASSERT_TRUE((*upload)->write(std::as_bytes(std::span("abc", 3))).is_ok());
    EXPECT_TRUE(names("").empty());
    EXPECT_FALSE(store_->open("x", context_).is_ok());
    EXPECT_EQ(entries(), 1);
  }
  EXPECT_EQ(entries(), 0);
}

TEST_F(LocalStoreTest, a_full_disk_is_an_error_and_leaves_nothing) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit narrow = before;
  narrow.rlim_cur = 4096;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &narrow), 0);
  const ScopeExit restore([&]() noexcept {
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
  });
  const Status status = store_->put("big", std::string(100'000, 'x'), context_);
  ASSERT_FALSE(status.is_ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(entries(), 0);
}

TEST_F(LocalStoreTest, names_cannot_leave_the_root) {
  for (const char* name : {"", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "a/", ".", "./a",
                           "a/.", "a\nb", ".unfinished-1"}) {
    const Status put = store_->put(name, "x", context_);
    ASSERT_FALSE(put.is_ok()) << name;
    EXPECT_EQ(put.error().code, ErrorCode::kInvalidArgument) << name;
    EXPECT_FALSE(store_->open(name, context_).is_ok()) << name;
    EXPECT_FALSE(store_->remove(name, context_).is_ok()) << name;
  }
  EXPECT_FALSE(store_->put(std::string("a\0b", 3), "x", context_).is_ok());
  EXPECT_FALSE(store_->put(std::string(256, 'a'), "x", context_).is_ok());
}

TEST_F(LocalStoreTest, symbolic_links_are_not_followed) {
  fs::create_directory(directory_.at("outside"));
  directory_.write("outside/secret", "hidden", 0600);
  fs::create_symlink(directory_.at("outside"), path("folder"));
  fs::create_symlink(directory_.at("outside/secret"), path("file"));
  EXPECT_FALSE(store_->open("folder/secret", context_).is_ok());
  EXPECT_FALSE(store_->open("file", context_).is_ok());
  EXPECT_FALSE(store_->put("folder/new", "x", context_).is_ok());
  EXPECT_FALSE(store_->remove("folder/secret", context_).is_ok());
  EXPECT_TRUE(names("").empty());
  // The link itself is replaced, not what it leads to.
  EXPECT_TRUE(store_->put("file", "x", context_).is_ok());
  EXPECT_EQ(testing::read_text(directory_.at("outside/secret")), "hidden");
}

TEST_F(LocalStoreTest, only_regular_files_are_opened) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  fs::create_directory(path("folder"));
  EXPECT_FALSE(store_->open("pipe", context_).is_ok());
  EXPECT_FALSE(store_->open("folder", context_).is_ok());
  EXPECT_TRUE(names("").empty());
}

TEST_F(LocalStoreTest, ranges_are_read_and_end_with_the_file) {
  ASSERT_TRUE(store_->put("x", "0123456789", context_).is_ok());
  auto source = store_->open("x", context_);
  ASSERT_TRUE(source.is_ok());
  EXPECT_EQ((*source)->bytes(), 10);
  std::string into(4, '-');
  EXPECT_EQ(*(*source)->read(3, std::as_writable_bytes(std::span(into))), 4U);
  EXPECT_EQ(into, "3456");
  EXPECT_EQ(*(*source)->read(8, std::as_writable_bytes(std::span(into))), 2U);
  EXPECT_EQ(*(*source)->read(20, std::as_writable_bytes(std::span(into))), 0U);
}

TEST_F(LocalStoreTest, a_missing_file_is_not_found_but_may_be_removed) {
  const auto source = store_->open("a/b", context_);
  ASSERT_FALSE(source.is_ok());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store_->remove("a/b", context_).is_ok());
  ASSERT_TRUE(store_->put("a/b", "x", context_).is_ok());
  EXPECT_TRUE(store_->remove("a/b", context_).is_ok());
  EXPECT_EQ(entries(), 0);
}

TEST_F(LocalStoreTest, list_finds_names_by_prefix_sorted_with_size_and_time) {
  const auto before = std::chrono::system_clock::now() - 2s;
  for (const char* name : {"b/2", "b/10", "a", "b.x", "b/c/1"}) {
    ASSERT_TRUE(store_->put(name, name, context_).is_ok());
  }
  EXPECT_EQ(names(""), (std::vector<std::string>{"a", "b.x", "b/10", "b/2", "b/c/1"}));
  EXPECT_EQ(names("b/"), (std::vector<std::string>{"b/10", "b/2", "b/c/1"}));
  EXPECT_EQ(names("b/1"), (std::vector<std::string>{"b/10"}));
  EXPECT_EQ(names("b/c"), (std::vector<std::string>{"b/c/1"}));
  EXPECT_TRUE(names("nothing").empty());
  const auto files = store_->list("b/c", context_);
  EXPECT_EQ(files->front().bytes, 5);
  EXPECT_GT(files->front().modified, before);
  EXPECT_LT(files->front().modified, before + 1min);
}

TEST_F(LocalStoreTest, what_a_dead_upload_left_is_removed_once_it_is_old) {
  fs::create_directory(path("d"));
  directory_.write("root/d/.unfinished-0", "x", 0600);
  EXPECT_EQ(*store_->remove_unfinished("", 1h, context_), 0);
  EXPECT_EQ(*store_->remove_unfinished("e/", -1h, context_), 0);
  EXPECT_EQ(*store_->remove_unfinished("d/", -1h, context_), 1);
  EXPECT_EQ(entries(), 0);
}

TEST_F(LocalStoreTest, a_folder_goes_only_when_nothing_is_in_it) {
  EXPECT_TRUE(store_->put("a/b/c", "one", context_).is_ok());
  EXPECT_TRUE(store_->remove_folder("a", context_).is_ok());
  EXPECT_TRUE(store_->remove_folder("a/b", context_).is_ok());
  EXPECT_EQ(content("a/b/c"), "one");
  EXPECT_TRUE(store_->remove("a/b/c", context_).is_ok());
  EXPECT_TRUE(store_->remove_folder("a/b", context_).is_ok());
  EXPECT_FALSE(fs::exists(path("a/b")));
  EXPECT_TRUE(store_->remove_folder("a/b", context_).is_ok());
  EXPECT_TRUE(store_->remove_folder("x/y", context_).is_ok());
  EXPECT_FALSE(store_->remove_folder("../root", context_).is_ok());
}

TEST_F(LocalStoreTest, a_stop_ends_a_listing) {
  std::stop_source stop;
  stop.request_stop();
  const auto files = store_->list("", Context{Deadline::never(), stop.get_token(), {}});
  ASSERT_FALSE(files.is_ok());
  EXPECT_EQ(files.error().code, ErrorCode::kCancelled);
}

TEST_F(LocalStoreTest, get_refuses_files_larger_than_expected) {
  ASSERT_TRUE(store_->put("x", "12345", context_).is_ok());
  EXPECT_EQ(*store_->get("x", 5, context_), "12345");
  EXPECT_EQ(store_->get("x", 4, context_).error().code, ErrorCode::kCapExceeded);
}

TEST(LocalStoreRoot, has_an_absolute_path_and_a_parent) {
  TemporaryDirectory directory;
  EXPECT_FALSE(LocalStore::open_root("relative").is_ok());
  EXPECT_FALSE(LocalStore::open_root(directory.at("no/root")).is_ok());
  EXPECT_FALSE(LocalStore::open_root(directory.write("file", "", 0600)).is_ok());
}

}  // namespace
}  // namespace lakehouse::delta
