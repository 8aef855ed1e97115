// SPDX-License-Identifier: PostgreSQL
// The certificate roots that TLS trusts, as the path of one PEM file: curl takes one file, parses
// it once and keeps the result for all connections.
#pragma once

#include <string>

#include "core/base/result.hpp"

namespace lakehouse::http {

class TrustStore {
 public:
  // The system's roots, and those of `ca_file` if it is not empty. Error: kInvalidArgument if a
  // file can't be read or `ca_file` holds no certificate.
  static Result<TrustStore> create(const std::string& ca_file);

  ~TrustStore();
  TrustStore(TrustStore&& other) noexcept;
  TrustStore& operator=(TrustStore other) noexcept;

  const std::string& path() const noexcept { return path_; }

 private:
  TrustStore(std::string path, int file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  int file_;  // memory file behind the path; -1: the path is the system's own file
};

}  // namespace lakehouse::http
