// SPDX-License-Identifier: PostgreSQL
// Does one thing with a folder of a bucket by core/delta and core/s3, for tests that watch the
// service. Exit status 1 and the error on standard error if it fails.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "core/s3/token_service.hpp"
#include "tests/delta/environment.hpp"

namespace {

using lakehouse::Context;
using lakehouse::Deadline;
using namespace lakehouse::delta;  // NOLINT: a program of one file
using test::take;
namespace s3 = lakehouse::s3;

constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMostBytes = 100U << 20U;

std::string standard_input() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

class Program {
 public:
  explicit Program(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {}

  void run() {
    const std::map<std::string, void (Program::*)()> commands = {
        {"put", &Program::put},         {"put-if-absent", &Program::put_if_absent},
        {"get", &Program::get},         {"list", &Program::list},
        {"remove", &Program::remove},   {"remove-unfinished", &Program::remove_unfinished},
        {"abandon", &Program::abandon}, {"presign", &Program::presign},
        {"assume", &Program::assume}};
    const auto command = commands.find(argument(0));
    if (command == commands.end()) test::fail({{}, "unknown command", "", ""});
    (this->*command->second)();
  }

 private:
  std::string argument(std::size_t i) const { return i < arguments_.size() ? arguments_[i] : ""; }

  void put() { take(store_->put(argument(1), standard_input(), context_)); }
  void put_if_absent() {
    const bool is_put = take(store_->put_if_absent(argument(1), standard_input(), context_));
    std::cout << (is_put ? "true" : "false") << '\n';
  }
  void get() { std::cout << take(store_->get(argument(1), kMostBytes, context_)); }
  void list() {
    for (const StoredFile& file : take(store_->list(argument(1), context_))) {
      std::cout << file.name << '\t' << file.bytes << '\n';
    }
  }
  void remove() { take(store_->remove(argument(1), context_)); }
  void remove_unfinished() {
    const std::chrono::seconds age(std::stol(argument(2)));
    std::cout << take(store_->remove_unfinished(argument(1), age, context_)) << '\n';
  }
  // Leaves an upload of two parts as a process does that is killed.
  void abandon() {
    const auto upload = take(store_->create(argument(1), context_));
    const std::string content(kPartBytes + 1, 'x');
    take(upload->write(std::as_bytes(std::span(content))));
    std::_Exit(EXIT_SUCCESS);
  }
  void presign() {
    const auto method = argument(3) == "head" ? s3::SignedMethod::kHead : s3::SignedMethod::kGet;
    std::cout << take(environment_.bucket->presign(method, take(store_->key_of(argument(1))),
                                                   std::chrono::seconds(std::stol(argument(2))),
                                                   std::chrono::system_clock::now()))
              << '\n';
  }
  void assume() {
    const std::string folder = take(store_->key_of(argument(2)));
    const s3::BucketOptions& bucket = environment_.options;
    const s3::Session session = take(s3::assume_role(
        {argument(1), "test", take(s3::read_policy(bucket.name, folder, bucket.region)),
         std::chrono::minutes(15)},
        bucket.endpoint, bucket.region, bucket.credentials, *environment_.client, context_));
    std::cout << session.credentials.access_key_id << '\n'
              << session.credentials.secret_access_key.reveal() << '\n'
              << session.credentials.session_token.reveal() << '\n';
  }

  const std::vector<std::string> arguments_;
  const Context context_{Deadline::in(kPatience), {}, "test"};
  const test::Environment environment_;
  const std::unique_ptr<S3Store> store_ = environment_.open_folder("");
};

}  // namespace

int main(int argc, char** argv) {
  Program({argv + 1, argv + argc}).run();
  return EXIT_SUCCESS;
}
