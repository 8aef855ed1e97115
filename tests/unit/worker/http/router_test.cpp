// SPDX-License-Identifier: PostgreSQL
// The table of routes without a network: what is found, what is refused, what a throwing handler
// does.
#include "worker/http/router.hpp"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "worker/http/health.hpp"

namespace lakehouse::worker::http {
namespace {

Response answer(const Router& router, const std::string& method, const std::string& path) {
  Request request;
  request.method = method;
  request.path = path;
  return router.answer(request, Context{});
}

Router sample_router() {
  const auto say = [](std::string body) {
    return [body = std::move(body)](const Request&, const Context&) {
      Response response;
      response.body = body;
      return response;
    };
  };
  return Router({{"GET", "/a", say("get")},
                 {"POST", "/a", say("post")},
                 {"POST", "/b", say("b")},
                 {"GET", "/memory",
                  [](const Request&, const Context&) -> Response { throw std::bad_alloc(); }},
                 {"GET", "/throws", [](const Request&, const Context&) -> Response {
                    throw std::runtime_error("canary");
                  }}});
}

TEST(Router, picks_the_handler_of_method_and_path) {
  EXPECT_EQ(answer(sample_router(), "GET", "/a").body, "get");
  EXPECT_EQ(answer(sample_router(), "POST", "/a").body, "post");
}

TEST(Router, answers_head_like_get) {
  EXPECT_EQ(answer(sample_router(), "HEAD", "/a").body, "get");
}

TEST(Router, answers_404_as_json) {
  const Response response = answer(sample_router(), "GET", "/nothing");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(
      response.body,
      "{\"code\":\"NOT_FOUND\",\"message\":\"there is nothing at this path\",\"details\":\"\","
      "\"hint\":\"\"}\n");
}

TEST(Router, answers_405_with_the_allowed_methods) {
  const Response response = answer(sample_router(), "DELETE", "/a");
  EXPECT_EQ(response.status, 405);
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].name, "Allow");
  EXPECT_EQ(response.headers[0].value, "GET, HEAD, POST, OPTIONS");
}

TEST(Router, refuses_head_where_there_is_no_get) {
  EXPECT_EQ(answer(sample_router(), "HEAD", "/b").status, 405);
}

TEST(Router, answers_options_with_the_allowed_methods) {
  const Response response = answer(sample_router(), "OPTIONS", "/a");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.at(0).value, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(answer(sample_router(), "OPTIONS", "/nothing").status, 404);
}

std::string error_body(const Problem& problem) { return problem.code + ": " + problem.message; }

Router tree_router() {
  const auto refuse = [](const Request&, const Context&) {
    Response response;
    response.status = 404;
    response.body = "the handler's own";
    return response;
  };
  return Router({{"GET", "/tree/{id}", refuse}, {"GET", "/treetop", refuse}},
                {{"/tree", Audience::kRecipients, error_body}});
}

TEST(Router, errors_below_a_tree_have_its_shape) {
  const std::string absent = "NOT_FOUND: there is nothing at this path";
  for (const char* path : {"/tree", "/tree/", "/tree/a/b"}) {
    EXPECT_EQ(answer(tree_router(), "GET", path).status, 404);
    EXPECT_EQ(answer(tree_router(), "GET", path).body, absent);
  }
  const Response refused = answer(tree_router(), "PUT", "/tree/a");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.body, "METHOD_NOT_ALLOWED: this path does not take this method");
  EXPECT_EQ(refused.headers.at(0).name, "Allow");
  EXPECT_EQ(answer(tree_router(), "GET", "/tree/..").body,
            "BAD_REQUEST: a part of the path is malformed");
}

TEST(Router, leaves_answers_of_handlers_and_of_other_paths) {
  EXPECT_EQ(answer(tree_router(), "GET", "/tree/a").body, "the handler's own");
  EXPECT_EQ(answer(tree_router(), "PUT", "/treetop").body.front(), '{');
  EXPECT_EQ(answer(tree_router(), "GET", "/other").body.front(), '{');
}

TEST(Router, paths_of_a_tree_without_a_route_have_its_audience) {
  EXPECT_EQ(tree_router().audience("/tree/a/b"), Audience::kRecipients);
  EXPECT_EQ(tree_router().audience("/tree/a"), Audience::kClients);
  EXPECT_EQ(tree_router().audience("/treetops"), Audience::kClients);
}

Router pattern_router() {
  const auto say = [](const std::string& name) {
    return [name](const Request& request, const Context&) {
      Response response;
      response.body = name;
      for (const std::string& parameter : request.parameters) response.body += "|" + parameter;
      return response;
    };
  };
  return Router({{"GET", "/things/{id}", say("thing")},
                 {"DELETE", "/things/{id}", say("deleted")},
                 {"GET", "/things/{id}/parts/{part}", say("part")},
                 {"GET", "/things/special", say("special"), Audience::kAnyone},
                 {"GET", "//doubled/{id}", say("doubled")},
                 {"GET", "/files/{rest...}", say("file")}});
}

std::string body_at(const std::string& path, const std::string& method = "GET") {
  const Response response = answer(pattern_router(), method, path);
  return response.status == 200 ? response.body : std::to_string(response.status);
}

TEST(RouterPattern, gives_the_handler_its_decoded_segments) {
  EXPECT_EQ(body_at("/things/7"), "thing|7");
  EXPECT_EQ(body_at("/things/a%20b+c"), "thing|a b+c");
  EXPECT_EQ(body_at("/things/7", "DELETE"), "deleted|7");
  EXPECT_EQ(body_at("/things/7/parts/%C3%A9"), "part|7|\xC3\xA9");
}

TEST(RouterPattern, goes_after_an_exact_path) {
  EXPECT_EQ(body_at("/things/special"), "special");
  EXPECT_EQ(body_at("/things/special", "DELETE"), "405");
}

TEST(RouterPattern, matches_whole_paths_only) {
  for (const char* path :
       {"/things", "/things/", "/things/7/", "/things/7/parts", "/things//parts/1",
        "/things/7/parts/8/9", "/thingsx/7", "things/7", "", "/files", "/files/"}) {
    EXPECT_EQ(body_at(path), "404") << path;
  }
}

TEST(RouterPattern, has_two_slashes_only_where_a_route_says_so) {
  EXPECT_EQ(body_at("//doubled/7"), "doubled|7");
  EXPECT_EQ(body_at("/doubled/7"), "404");
  EXPECT_EQ(body_at("//things/7"), "404");
}

TEST(RouterPattern, takes_a_tail_of_segments) {
  EXPECT_EQ(body_at("/files/a"), "file|a");
  EXPECT_EQ(body_at("/files/a/b%20c/d.txt"), "file|a/b c/d.txt");
}

TEST(RouterPattern, refuses_what_would_pass_for_another_path) {
  for (const char* path : {"/things/%zz", "/things/%00", "/things/a%2Fb", "/things/a%5Cb",
                           "/things/%FF", "/things/..", "/things/%2e%2E", "/things/.",
                           "/things/a%0Ab", "/files/a/../b", "/files/a//b", "/files/a/"}) {
    EXPECT_EQ(body_at(path), "400") << path;
  }
}

TEST(RouterPattern, answers_other_methods_with_the_allowed_ones) {
  const Response response = answer(pattern_router(), "PUT", "/things/7");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.at(0).value, "GET, HEAD, DELETE, OPTIONS");
}

TEST(RouterPattern, has_the_audience_of_its_path) {
  const Router router = pattern_router();
  EXPECT_EQ(router.audience("/things/special"), Audience::kAnyone);
  EXPECT_EQ(router.audience("/things/7"), Audience::kClients);
  EXPECT_EQ(router.audience("/nothing"), Audience::kClients);
}

TEST(Router, turns_a_throwing_handler_into_a_status) {
  EXPECT_EQ(answer(sample_router(), "GET", "/memory").status, 507);
  const Response response = answer(sample_router(), "GET", "/throws");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("canary"), std::string::npos);
}

TEST(Health, is_ready_when_every_check_passes) {
  const Router router(
      health_routes({{"database", [](const Context&) -> Status { return kDone; }}}));
  const Response response = answer(router, "GET", "/ready");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "{\"status\":\"ready\",\"checks\":[{\"name\":\"database\",\"ok\":true}]}\n");
}

TEST(Health, is_not_ready_for_the_reason_of_a_failed_check) {
  const Router router(health_routes({{"database",
                                      [](const Context&) -> Status {
                                        return Error{ErrorCode::kUnavailable, "gone", "", ""};
                                      }},
                                     {"gateway", [](const Context&) -> Status { return kDone; }}}));
  const Response response = answer(router, "GET", "/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body,
            "{\"status\":\"not ready\",\"checks\":[{\"name\":\"database\",\"ok\":false,\"reason\":"
            "\"gone\"},{\"name\":\"gateway\",\"ok\":true}]}\n");
}

TEST(Health, is_live_without_any_check) {
  const Router router(health_routes({{"database", [](const Context&) -> Status {
                                        return Error{ErrorCode::kUnavailable, "gone", "", ""};
                                      }}}));
  EXPECT_EQ(answer(router, "GET", "/live").status, 200);
}

TEST(Health, gives_its_checks_a_short_deadline) {
  bool is_bounded = false;
  const Router router(health_routes({{"database", [&](const Context& context) -> Status {
                                        is_bounded = !context.deadline.is_never();
                                        return kDone;
                                      }}}));
  answer(router, "GET", "/ready");
  EXPECT_TRUE(is_bounded);
}

}  // namespace
}  // namespace lakehouse::worker::http
