// SPDX-License-Identifier: PostgreSQL
// A directory of a test's own, removed with all it holds.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace lakehouse::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(::testing::TempDir() + "lakehouse_XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "could not create " << path_;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::string at(const std::string& name) const { return path_ + "/" + name; }

  // The path of a new file.
  std::string write(const std::string& name, const std::string& text, mode_t mode) const {
    std::ofstream(at(name), std::ios::binary) << text;
    EXPECT_EQ(chmod(at(name).c_str(), mode), 0);
    return at(name);
  }

 private:
  std::string path_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace lakehouse::testing
