// SPDX-License-Identifier: PostgreSQL
// Which source of the master key wins, with the real vault.
#include "worker/config/master_key.hpp"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::config {
namespace {

const std::string kKeyLine = " " + std::string(64, 'a') + "\n";

class MasterKey : public testing::Test {
 protected:
  std::string write_key_file(const std::string& key_id) {
    const std::string path = directory_.path() + "/key-" + key_id;
    std::ofstream(path) << key_id << kKeyLine;
    EXPECT_EQ(::chmod(path.c_str(), 0400), 0);
    return path;
  }
  std::uint32_t key_id_of(const MasterKeySource& source) {
    auto vault = open_vault(source, log_);
    EXPECT_TRUE(vault.is_ok()) << vault.error().message;
    return vault ? (*vault)->writing_key_id() : 0;
  }

  test::TemporaryDirectory directory_;
  std::ostringstream log_text_;
  log::Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
};

TEST_F(MasterKey, comes_from_the_command_before_the_file) {
  const std::string file = write_key_file("7");
  EXPECT_EQ(key_id_of({{"/bin/echo", "5" + kKeyLine}, file, directory_.path()}), 5U);
}

TEST_F(MasterKey, comes_from_the_file_before_the_data_directory) {
  EXPECT_EQ(key_id_of({{}, write_key_file("7"), directory_.path()}), 7U);
  EXPECT_EQ(log_text_.str(), "");
}

TEST_F(MasterKey, is_made_in_the_data_directory_with_a_warning) {
  EXPECT_GT(key_id_of({{}, "", directory_.path()}), 0U);
  struct stat facts {};
  ASSERT_EQ(::stat((directory_.path() + "/lakehouse/master.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0400U);
  EXPECT_NE(log_text_.str().find("\"level\":\"warning\""), std::string::npos);
  EXPECT_NE(log_text_.str().find("move it elsewhere"), std::string::npos);
}

TEST_F(MasterKey, made_once_is_used_again) {
  const vault::Place place{"t", "p", "r", "c", 1};
  auto first = open_vault({{}, "", directory_.path()}, log_);
  auto envelope = (*first)->seal(Secret("text"), place);
  auto second = open_vault({{}, "", directory_.path()}, log_);
  auto opened = (*second)->open(*envelope, place);
  ASSERT_TRUE(opened.is_ok());
  EXPECT_EQ(opened->reveal(), "text");
}

TEST_F(MasterKey, is_refused_when_others_can_read_it) {
  const std::string file = write_key_file("7");
  ASSERT_EQ(::chmod(file.c_str(), 0444), 0);
  EXPECT_FALSE(open_vault({{}, file, directory_.path()}, log_).is_ok());
}

TEST_F(MasterKey, of_a_failing_command_is_no_reason_to_fall_back) {
  const std::string file = write_key_file("7");
  EXPECT_FALSE(open_vault({{"/bin/false"}, file, directory_.path()}, log_).is_ok());
}

}  // namespace
}  // namespace lakehouse::worker::config
