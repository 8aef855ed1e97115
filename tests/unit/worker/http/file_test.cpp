// SPDX-License-Identifier: PostgreSQL
// Files as clients of a server get them, without TLS and with it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "worker/http/http_fixture.hpp"
#include "worker/http/range.hpp"
#include "worker/http/tls_client.hpp"
#include "worker/temporary_directory.hpp"

namespace lakehouse::worker::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::size_t kMegabyte = 1U << 20U;
constexpr const char* kGet = "GET /file HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* kGetAndClose = "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
constexpr const char* kLive = "GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

// Bytes whose place can be told: no piece of them can stand for another.
std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

struct Answer {
  std::string head;
  std::string body;
};
Answer parted(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  if (end == std::string::npos) return {answer, ""};
  return {answer.substr(0, end + 4), answer.substr(end + 4)};
}

class Client {
 public:
  enum class Buffer : std::uint8_t { kUsual, kSmall };
  Client(const std::string& address, bool has_tls, Buffer buffer = Buffer::kUsual)
      : plain_(address) {
    const timeval longest{20, 0};
    ::setsockopt(plain_.fd(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
    const int bytes = 64 << 10;
    if (buffer == Buffer::kSmall) {
      ::setsockopt(plain_.fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    }
    if (has_tls) tls_ = std::make_unique<TlsClient>(plain_.fd());
  }
  void send(std::string_view bytes) { tls_ ? tls_->send(bytes) : void(plain_.send(bytes)); }
  // Empty once the server has closed.
  std::string receive(std::size_t most = 64U << 10U) {
    block_.resize(most);
    const ssize_t count =
        tls_ ? tls_->receive(block_.data(), most) : ::recv(plain_.fd(), block_.data(), most, 0);
    return block_.substr(0, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  std::string receive_all() {
    std::string all;
    for (std::string some = receive(); !some.empty(); some = receive()) all += some;
    return all;
  }
  void leave() { plain_.leave(); }

 private:
  HttpClient plain_;
  std::unique_ptr<TlsClient> tls_;
  std::string block_;
};

class Files : public HttpServerTest, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    if (has_tls()) {
      certificate_file_ = directory_.path() + "/certificate.pem";
      key_file_ = directory_.path() + "/key.pem";
      write_certificate(certificate_file_, key_file_);
    }
    start();
  }
  static bool has_tls() { return GetParam(); }
  void add_routes(std::vector<http::Route>& routes) override {
    routes.push_back(
        {"GET", "/file", [this](const http::Request& request, const Context&) {
           const auto file =
               std::make_shared<io::Descriptor>(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
           struct stat facts {};
           EXPECT_EQ(::fstat(file->get(), &facts), 0);
           auto part = http::choose_part(request, static_cast<std::uint64_t>(facts.st_size), "v1");
           http::Response response;
           response.status = part.status;
           response.content_type = "application/octet-stream";
           response.headers = std::move(part.headers);
           response.file = {file, part.offset, part.length};
           return response;
         }});
  }
  void write_file(const std::string& bytes) { std::ofstream(path_) << bytes; }
  // Of zeroes that take no room on disk; more than sockets hold.
  void write_large_file(std::size_t megabytes = 64) {
    write_file("");
    std::filesystem::resize_file(path_, megabytes * kMegabyte);
  }
  Client connect(Client::Buffer buffer = Client::Buffer::kUsual) {
    return {server_->address(), has_tls(), buffer};
  }
  std::string ask_for_file(const std::string& request) {
    Client client = connect();
    client.send(request);
    return client.receive_all();
  }
  // How many descriptors of this process are the file.
  int open_files() const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry, gone) == path_) ++count;
    }
    return count;
  }
  bool is_closed() const {
    return eventually([this] { return open_files() == 0; });
  }

  // What waits in the kernel to be taken by clients of the server.
  std::size_t queued_bytes() const {
    const std::string address = server_->address();
    const int port = std::stoi(address.substr(address.rfind(':') + 1));
    std::ifstream table("/proc/net/tcp");
    std::size_t bytes = 0;
    for (std::string line; std::getline(table, line);) {
      unsigned local_port = 0, state = 0;
      unsigned long queued = 0;
      if (std::sscanf(line.c_str(), "%*s %*8c:%x %*s %x %lx:", &local_port, &state, &queued) == 3 &&
          local_port == static_cast<unsigned>(port)) {
        bytes += queued;
      }
    }
    return bytes;
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/file";
};

INSTANTIATE_TEST_SUITE_P(Sent, Files, testing::Bool(),
                         [](const auto& each) { return each.param ? "with_tls" : "plain"; });

TEST_P(Files, come_whole_and_the_connection_is_kept) {
  const std::string bytes = pattern(3 * kMegabyte + 5);
  write_file(bytes);
  Client client = connect();
  client.send(kGet);
  std::string answer;
  while (!answer.ends_with(bytes.substr(bytes.size() - 20))) {
    const std::string some = client.receive();
    ASSERT_FALSE(some.empty());
    answer += some;
  }
  const auto [head, body] = parted(answer);
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 3145733\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type: application/octet-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("ETag: \"v1\"\r\n"));
  EXPECT_TRUE(body == bytes);
  EXPECT_TRUE(is_closed());
  client.send(kLive);
  EXPECT_THAT(client.receive_all(), HasSubstr("live"));
}

TEST_P(Files, come_one_after_the_other_when_requests_are_pipelined) {
  const std::string bytes = pattern(kMegabyte);
  write_file(bytes);
  const std::string answer = ask_for_file(std::string(kGet) + kGet + kLive);
  const std::size_t second = answer.find("HTTP/1.1", 1000 + bytes.size() / 2);
  EXPECT_TRUE(parted(answer.substr(0, second)).body == bytes);
  EXPECT_EQ(answer.find(bytes.substr(0, 100), second), answer.find("\r\n\r\n", second) + 4);
  EXPECT_THAT(answer.substr(answer.size() - 200), HasSubstr("live"));
}

TEST_P(Files, come_in_part) {
  const std::string bytes = pattern(3 * kMegabyte);
  write_file(bytes);
  const auto [head, body] =
      parted(ask_for_file("GET /file HTTP/1.1\r\nHost: x\r\nRange: bytes=1000001-2000000\r\n"
                          "Connection: close\r\n\r\n"));
  EXPECT_THAT(head, StartsWith("HTTP/1.1 206 Partial Content\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Range: bytes 1000001-2000000/3145728\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 1000000\r\n"));
  EXPECT_TRUE(body == bytes.substr(1'000'001, 1'000'000));
}

TEST_P(Files, have_only_their_length_in_an_answer_to_head) {
  write_file(pattern(1234));
  const std::string answer =
      ask_for_file("HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 1234\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  EXPECT_TRUE(is_closed());
}

TEST_P(Files, are_not_sent_to_a_client_that_has_them) {
  write_file(pattern(1234));
  const std::string answer = ask_for_file(
      "GET /file HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"v1\"\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("304 Not Modified"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  EXPECT_TRUE(is_closed());
}

TEST_P(Files, may_be_empty) {
  write_file("");
  const std::string answer = ask_for_file(std::string(kGet) + kLive);
  EXPECT_THAT(answer, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(answer, HasSubstr("live"));
}

TEST_P(Files, end_with_the_connection_of_http_1_0) {
  const std::string bytes = pattern(kMegabyte);
  write_file(bytes);
  EXPECT_TRUE(parted(ask_for_file("GET /file HTTP/1.0\r\nHost: x\r\n\r\n")).body == bytes);
}

TEST_P(Files, close_when_the_client_leaves) {
  write_large_file();
  Client client = connect();
  client.send(kGet);
  client.receive();
  EXPECT_EQ(open_files(), 1);
  client.leave();
  EXPECT_TRUE(is_closed());
}

TEST_P(Files, close_when_the_client_does_not_read) {
  http::Limits limits = small_limits();
  limits.write_time = 100ms;
  start(limits);
  write_large_file();
  Client client = connect();
  client.send(kGet);
  client.receive();
  EXPECT_TRUE(is_closed());
}

// So slowly that everything takes several times what a portion may.
TEST_P(Files, come_whole_to_a_client_that_reads_slowly) {
  http::Limits limits = small_limits();
  limits.write_time = 1s;
  start(limits);
  const std::string bytes = pattern(5 * kMegabyte / 2);
  write_file(bytes);
  Client client = connect(Client::Buffer::kSmall);
  client.send(kGetAndClose);
  std::string answer;
  const auto began = std::chrono::steady_clock::now();
  for (std::string some = client.receive(); !some.empty(); some = client.receive()) {
    answer += some;
    std::this_thread::sleep_until(began + answer.size() * 1'500ns);
  }
  EXPECT_GT(std::chrono::steady_clock::now() - began, 2 * limits.write_time);
  EXPECT_TRUE(parted(answer).body == bytes);
}

TEST_P(Files, that_shrink_break_the_connection) {
  write_large_file();
  Client client = connect();
  client.send(std::string(kGet) + kLive);
  std::string answer = client.receive();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 67108864\r\n"));
  std::filesystem::resize_file(path_, 32 * kMegabyte);
  answer += client.receive_all();
  EXPECT_LT(parted(answer).body.size(), 33 * kMegabyte);
  EXPECT_THAT(answer.substr(answer.size() - 200), Not(HasSubstr("live")));
  EXPECT_TRUE(is_closed());
}

TEST_P(Files, need_no_thread_while_they_are_sent) {
  http::Limits limits = small_limits();
  limits.handler_threads = 1;
  start(limits);
  write_large_file();
  Client waiting = connect();
  waiting.send(kGet);
  waiting.receive();
  EXPECT_EQ(parted(ask_for_file(kGetAndClose)).body.size(), 64 * kMegabyte);
}

TEST_P(Files, come_to_fifty_clients_at_once) {
  http::Limits limits;
  limits.handler_threads = 2;
  start(limits);
  const std::string bytes = pattern(4 * kMegabyte);
  write_file(bytes);
  std::vector<int> is_whole(50);
  std::vector<std::thread> clients;
  for (int& each : is_whole) {
    clients.emplace_back([&] { each = parted(ask_for_file(kGetAndClose)).body == bytes ? 1 : 0; });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(is_whole, testing::Each(1));
  EXPECT_TRUE(is_closed());
}

// Both sides of TLS are in this process; 3200 MB would be here if files were read whole.
TEST_P(Files, take_little_memory_while_fifty_clients_wait) {
  start(http::Limits{});
  write_large_file();
  const auto resident_bytes = [] {
    std::size_t all = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  };
  const auto before = static_cast<std::int64_t>(resident_bytes());
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(connect());
    clients.back().send(kGet);
    clients.back().receive(1024);
  }
  EXPECT_EQ(open_files(), 50);
  std::size_t queued = 0;
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(20ms);
    return std::exchange(queued, queued_bytes()) == queued && queued > 0;
  }));
  const std::int64_t bytes = static_cast<std::int64_t>(resident_bytes()) - before;
  RecordProperty("bytes_of_50_downloads", std::to_string(bytes));
  RecordProperty("bytes_queued_for_50_downloads", std::to_string(queued));
  EXPECT_LT(bytes, static_cast<std::int64_t>(50 * kMegabyte));
  EXPECT_LT(queued, 50 * kMegabyte / 2);
}

TEST_P(Files, under_way_are_sent_whole_when_the_server_stops) {
  write_large_file();
  Client client = connect();
  client.send(kGet);
  std::size_t got = client.receive().size();
  std::thread stopping([this] { server_->stop(Deadline::in(20s)); });
  got += client.receive_all().size();
  stopping.join();
  EXPECT_GT(got, 64 * kMegabyte);
}

TEST_P(Files, under_way_end_at_the_deadline_of_a_stop) {
  write_large_file();
  Client client = connect();
  client.send(kGet);
  client.receive();
  server_->stop(Deadline::in(50ms));
  server_.reset();
  EXPECT_EQ(open_files(), 0);
  EXPECT_LT(client.receive_all().size(), 64 * kMegabyte);
}

}  // namespace
}  // namespace lakehouse::worker::test
