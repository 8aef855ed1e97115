// SPDX-License-Identifier: PostgreSQL
// A bucket as a store, and what it makes of a service that fails.
#include "core/delta/s3_store.hpp"

#include <gtest/gtest.h>

#include "tests/unit/core/delta/s3_service.hpp"
#include "tests/unit/core/http/client_fixture.hpp"

namespace lakehouse::delta {
namespace {

using namespace std::chrono_literals;
using http::testing::ClientTest;
using http::testing::Peer;
using http::testing::Received;
using http::testing::reply;
using testing::S3Service;

class S3StoreTest : public ClientTest {
 protected:
  S3StoreTest() {
    auto bucket = s3::Bucket::open({service_.endpoint(),
                                    "eu-west-1",
                                    "b3x",
                                    s3::Addressing::kPath,
                                    {"AKID", Secret(std::string("s3cret")), {}}},
                                   *client_);
    EXPECT_TRUE(bucket.is_ok());
    auto store = S3Store::open_folder(*bucket, "t");
    EXPECT_TRUE(store.is_ok());
    store_ = *std::move(store);
  }
  static std::function<bool(Peer&, const Received&)> times(int count, const std::string& method,
                                                           const std::string& response) {
    return [=, left = std::make_shared<int>(count)](Peer& peer, const Received& request) {
      if (request.method != method || *left == 0) return false;
      --*left;
      if (response.empty()) {
        peer.abort();
      } else {
        peer.send(response);
      }
      return true;
    };
  }
  ErrorCode put_error() {
    const Status status = store_->put("x", "1", within(5s));
    EXPECT_FALSE(status.is_ok());
    return status ? ErrorCode::kInternal : status.error().code;
  }

  S3Service service_;
  std::unique_ptr<S3Store> store_;
};

TEST_F(S3StoreTest, put_replaces_and_put_if_absent_keeps) {
  EXPECT_TRUE(store_->put("a/b", "one", within(5s)).is_ok());
  EXPECT_TRUE(store_->put("a/b", "two", within(5s)).is_ok());
  EXPECT_FALSE(*store_->put_if_absent("a/b", "three", within(5s)));
  EXPECT_TRUE(*store_->put_if_absent("a/c", "three", within(5s)));
  EXPECT_EQ(service_.objects(),
            (std::map<std::string, std::string>{{"/b3x/t/a/b", "two"}, {"/b3x/t/a/c", "three"}}));
  EXPECT_EQ(*store_->get("a/b", 100, within(5s)), "two");
}

TEST_F(S3StoreTest, a_conditional_put_whose_answer_is_lost_is_known_for_ours) {
  service_.fail_after(times(1, "PUT", ""));
  EXPECT_TRUE(*store_->put_if_absent("x", "mine", within(5s)));
  EXPECT_EQ(service_.objects().at("/b3x/t/x"), "mine");
}

TEST_F(S3StoreTest, a_conditional_put_that_another_won_while_ours_was_lost_is_not_ours) {
  service_.fail_before([first = true](Peer& peer, const Received& request) mutable {
    if (request.method != "PUT" || !std::exchange(first, false)) return false;
    peer.abort();
    return true;
  });
  service_.put("/b3x/t/x", "other");
  EXPECT_FALSE(*store_->put_if_absent("x", "mine!", within(5s)));
  EXPECT_FALSE(*store_->put_if_absent("x", "mine", within(5s)));
  EXPECT_EQ(service_.objects().at("/b3x/t/x"), "other");
}

TEST_F(S3StoreTest, conflicts_and_failures_are_tried_again) {
  for (const int status : {409, 429, 500, 502, 503, 504}) {
    const std::string name = "s" + std::to_string(status);
    service_.fail_before(times(2, "PUT", reply(status, "")));
    EXPECT_TRUE(*store_->put_if_absent(name, "x", within(10s))) << status;
  }
  EXPECT_EQ(service_.objects().size(), 6U);
}

TEST_F(S3StoreTest, a_stop_or_a_deadline_ends_the_trying) {
  service_.fail_before(times(100, "PUT", reply(409, "")));
  std::stop_source stop;
  stop.request_stop();
  const Context stopped{Deadline::never(), stop.get_token(), {}};
  EXPECT_EQ(store_->put_if_absent("x", "x", stopped).error().code, ErrorCode::kCancelled);
  const auto begun = Deadline::Clock::now();
  EXPECT_FALSE(store_->put_if_absent("x", "x", within(300ms)).is_ok());
  EXPECT_LT(Deadline::Clock::now() - begun, 5s);
}

TEST_F(S3StoreTest, large_files_go_in_parts_and_are_invisible_until_finished) {
  const std::string content = std::string(kPartBytes, 'a') + std::string(kPartBytes, 'b') + "c";
  auto upload = store_->create("x", within(20s));
  ASSERT_TRUE(upload.is_ok());
  ASSERT_TRUE((*upload)->write(std::as_bytes(std::span(content))).is_ok());
  EXPECT_TRUE(service_.objects().empty());
  EXPECT_EQ(service_.uploads(), 1U);
  ASSERT_TRUE(*(*upload)->finish(IfPresent::kReplace));
  EXPECT_EQ(service_.uploads(), 0U);
  EXPECT_TRUE(service_.objects().at("/b3x/t/x") == content);
  EXPECT_TRUE(*store_->get("x", 100U << 20U, within(20s)) == content);
  EXPECT_EQ(service_.requests().size(), 5U + 3U);  // 3 parts; the end, and two slices before it
}

TEST_F(S3StoreTest, a_file_of_just_one_part_is_put_at_once) {
  ASSERT_TRUE(store_->put("x", std::string(kPartBytes, 'a'), within(20s)).is_ok());
  EXPECT_EQ(service_.requests().size(), 1U);
}

TEST_F(S3StoreTest, an_upload_that_is_given_up_is_aborted) {
  {
    auto upload = store_->create("x", within(20s));
    const std::string content(kPartBytes + 1, 'a');
    ASSERT_TRUE((*upload)->write(std::as_bytes(std::span(content))).is_ok());
    EXPECT_EQ(service_.uploads(), 1U);
  }
  EXPECT_EQ(service_.uploads(), 0U);
  EXPECT_TRUE(service_.objects().empty());
}

TEST_F(S3StoreTest, a_completion_that_says_200_and_fails_is_an_error) {
  service_.fail_before([](Peer& peer, const Received& request) {
    if (request.method != "POST" || request.target.find("uploadId") == std::string::npos) {
      return false;
    }
    peer.send(reply(200, "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"));
    return true;
  });
  const Status status = store_->put("x", std::string(kPartBytes + 1, 'a'), within(20s));
  ASSERT_FALSE(status.is_ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(service_.uploads(), 0U);
}

TEST_F(S3StoreTest, unfinished_uploads_are_aborted_once_they_are_old) {
  service_.fail_before([](Peer& peer, const Received& request) {
    if (request.method != "DELETE") return false;
    peer.send(reply(403, "<Error><Code>AccessDenied</Code></Error>"));
    return true;
  });
  EXPECT_TRUE(store_->put("x", std::string(kPartBytes + 1, 'a'), within(20s)).is_ok());
  {
    auto upload = store_->create("y", within(20s));
    const std::string content(kPartBytes + 1, 'a');
    ASSERT_TRUE((*upload)->write(std::as_bytes(std::span(content))).is_ok());
  }
  ASSERT_EQ(service_.uploads(), 1U);
  service_.fail_before({});
  EXPECT_EQ(*store_->remove_unfinished("", std::chrono::years(100), within(5s)), 0);
  EXPECT_EQ(*store_->remove_unfinished("other/", 1h, within(5s)), 0);
  EXPECT_EQ(*store_->remove_unfinished("x", 1h, within(5s)), 1);
  EXPECT_EQ(service_.uploads(), 0U);
}

TEST_F(S3StoreTest, ranges_are_read_and_end_with_the_file) {
  std::string content;
  for (int i = 0; i < 50'000; ++i) content += std::to_string(i);
  ASSERT_TRUE(store_->put("x", content, within(5s)).is_ok());
  auto source = store_->open("x", within(5s));
  ASSERT_TRUE(source.is_ok());
  EXPECT_EQ((*source)->bytes(), static_cast<std::int64_t>(content.size()));
  std::string into(100'000, '-');
  const auto size = static_cast<std::int64_t>(content.size());
  for (const std::int64_t at : {std::int64_t{0}, std::int64_t{7}, size - 120'000, size - 70'000,
                                size - 65'536, size - 5, size, size + 1}) {
    const auto got = (*source)->read(at, std::as_writable_bytes(std::span(into)));
    ASSERT_TRUE(got.is_ok()) << got.error().message;
    const std::string expected =
        at < size ? content.substr(static_cast<std::size_t>(at), into.size()) : "";
    EXPECT_EQ(into.substr(0, *got), expected) << at;
  }
}

TEST_F(S3StoreTest, an_empty_file_is_read) {
  ASSERT_TRUE(store_->put("x", "", within(5s)).is_ok());
  EXPECT_EQ(*store_->get("x", 0, within(5s)), "");
}

TEST_F(S3StoreTest, a_file_replaced_while_it_is_read_is_an_error) {
  ASSERT_TRUE(store_->put("x", std::string(200'000, 'a'), within(5s)).is_ok());
  auto source = store_->open("x", within(5s));
  ASSERT_TRUE(store_->put("x", std::string(200'000, 'b'), within(5s)).is_ok());
  std::string into(10, '-');
  const auto got = (*source)->read(0, std::as_writable_bytes(std::span(into)));
  ASSERT_FALSE(got.is_ok());
  EXPECT_EQ(got.error().code, ErrorCode::kUnavailable);
}

TEST_F(S3StoreTest, answers_that_contradict_the_range_are_refused) {
  ASSERT_TRUE(store_->put("x", std::string(200'000, 'a'), within(5s)).is_ok());
  auto source = store_->open("x", within(5s));
  ASSERT_TRUE(source.is_ok());
  for (const std::string& lies : {reply(200, "0123456789"), reply(206, "0123456789"),
                                  reply(206, "0123456789", "Content-Range: bytes 1-10/200000\r\n"),
                                  reply(206, "012345678", "Content-Range: bytes 0-8/200000\r\n"),
                                  reply(206, "0123456789", "Content-Range: bytes 0-9/300000\r\n"),
                                  reply(206, "0123456789", "Content-Range: bytes 0-9/*\r\n")}) {
    service_.fail_before(times(1, "GET", lies));
    std::string into(10, '-');
    const auto got = (*source)->read(0, std::as_writable_bytes(std::span(into)));
    ASSERT_FALSE(got.is_ok()) << lies;
    EXPECT_EQ(got.error().code, ErrorCode::kUnavailable);
    service_.fail_before(times(1, "GET", lies));
    EXPECT_FALSE(store_->open("x", within(5s)).is_ok()) << lies;
  }
}

TEST_F(S3StoreTest, a_body_that_breaks_off_is_read_again) {
  ASSERT_TRUE(store_->put("x", "0123456789", within(5s)).is_ok());
  service_.fail_before([first = true](Peer& peer, const Received& request) mutable {
    if (request.method != "GET" || !std::exchange(first, false)) return false;
    peer.send("HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n01234");
    peer.close();
    return true;
  });
  EXPECT_EQ(*store_->get("x", 10, within(5s)), "0123456789");
}

TEST_F(S3StoreTest, list_goes_through_all_pages_and_leaves_out_foreign_keys) {
  for (const char* name : {"b/2", "b/10", "a", "b.x", "b/c/1"}) {
    ASSERT_TRUE(store_->put(name, name, within(5s)).is_ok());
  }
  for (const char* foreign : {"/b3x/t/", "/b3x/t/b/", "/b3x/t/b//1", "/b3x/t/b/../1", "/b3x/tt"}) {
    service_.put(foreign, "x");
  }
  const auto names = [this](std::string_view prefix) {
    std::vector<std::string> found;
    const auto files = store_->list(prefix, within(5s));
    EXPECT_TRUE(files.is_ok());
    for (const auto& file : *files) found.push_back(file.name);
    return found;
  };
  EXPECT_EQ(names(""), (std::vector<std::string>{"a", "b.x", "b/10", "b/2", "b/c/1"}));
  EXPECT_EQ(names("b/"), (std::vector<std::string>{"b/10", "b/2", "b/c/1"}));
  EXPECT_EQ(names("b/1"), (std::vector<std::string>{"b/10"}));
  EXPECT_TRUE(names("nothing").empty());
  EXPECT_EQ(store_->list("b/c", within(5s))->front().bytes, 5);
}

TEST_F(S3StoreTest, a_missing_file_is_not_found_but_may_be_removed) {
  const auto source = store_->open("a/b", within(5s));
  ASSERT_FALSE(source.is_ok());
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store_->remove("a/b", within(5s)).is_ok());
  ASSERT_TRUE(store_->put("a/b", "x", within(5s)).is_ok());
  EXPECT_TRUE(store_->remove("a/b", within(5s)).is_ok());
  EXPECT_TRUE(service_.objects().empty());
}

TEST_F(S3StoreTest, names_cannot_leave_the_folder) {
  for (const char* name : {"", "/x", "..", "../x", "a/../../x", "a//b", "a/", "a\nb"}) {
    const Status put = store_->put(name, "x", within(5s));
    ASSERT_FALSE(put.is_ok()) << name;
    EXPECT_EQ(put.error().code, ErrorCode::kInvalidArgument) << name;
    EXPECT_FALSE(store_->open(name, within(5s)).is_ok()) << name;
    EXPECT_FALSE(store_->remove(name, within(5s)).is_ok()) << name;
  }
  EXPECT_TRUE(service_.requests().empty());
}

TEST_F(S3StoreTest, refusals_and_failures_have_their_codes) {
  service_.fail_before(times(1, "PUT", reply(403, "<Error><Code>AccessDenied</Code></Error>")));
  EXPECT_EQ(put_error(), ErrorCode::kPermissionDenied);
  service_.fail_before(times(1, "PUT", reply(404, "<Error><Code>NoSuchBucket</Code></Error>")));
  EXPECT_EQ(put_error(), ErrorCode::kNotFound);
  service_.fail_before(times(100, "PUT", reply(503, "")));
  EXPECT_EQ(put_error(), ErrorCode::kUnavailable);
  service_.fail_before(times(100, "PUT", ""));
  EXPECT_EQ(put_error(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace lakehouse::delta
