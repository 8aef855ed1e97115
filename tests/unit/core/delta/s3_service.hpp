// SPDX-License-Identifier: PostgreSQL
// An S3 service of a few lines: objects in memory, and a script that may answer in its place.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/unit/core/http/test_server.hpp"

namespace lakehouse::delta::testing {

class S3Service {
 public:
  using Peer = http::testing::Peer;
  using Received = http::testing::Received;
  // True if it has answered by itself. Before: the service hasn't acted; after: it has.
  using Fault = std::function<bool(Peer&, const Received&)>;

  std::string endpoint() const { return "http://" + server_.address(); }
  std::map<std::string, std::string> objects();
  std::size_t uploads();  // under way
  std::vector<Received> requests() const { return server_.requests(); }

  void put(const std::string& target, const std::string& content);
  void fail_before(Fault fault);
  void fail_after(Fault fault);

 private:
  void answer(Peer& peer, const Received& request);
  std::string act(const Received& request, const std::string& path, const std::string& query);
  std::string put_object(const Received& request, const std::string& path);
  std::string get_object(const Received& request, const std::string& path);
  std::string list(const std::string& query);
  std::string complete(const std::string& path, const std::string& id);

  std::mutex mutex_;
  std::map<std::string, std::string> objects_;                         // by path: "/bucket/key"
  std::map<std::string, std::map<std::string, std::string>> uploads_;  // parts by number
  Fault before_, after_;
  http::testing::TestServer server_{
      [this](Peer& peer, const Received& request) { answer(peer, request); }};
};

}  // namespace lakehouse::delta::testing
