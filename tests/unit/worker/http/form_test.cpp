// SPDX-License-Identifier: PostgreSQL
// Forms, percent-encoding, cookies and HTML: what is read, what is refused, what is escaped.
#include "worker/http/form.hpp"

#include <gtest/gtest.h>

#include "worker/http/cookie.hpp"
#include "worker/http/html.hpp"
#include "worker/http/percent.hpp"

namespace lakehouse::worker::http {
namespace {

TEST(Percent, decodes_escapes_of_either_case) {
  EXPECT_EQ(percent_decode("a%2fb%2F%C3%A9", Plus::kIsPlus), "a/b/\xC3\xA9");
  EXPECT_EQ(percent_decode("a+b", Plus::kIsPlus), "a+b");
  EXPECT_EQ(percent_decode("a+b", Plus::kIsSpace), "a b");
}

TEST(Percent, refuses_broken_escapes_and_text) {
  for (const char* text :
       {"%", "%4", "%zz", "%4g", "a%", "%C3", "%C0%AF", "%ED%A0%80", "%00", "%1B", "%7F", "\xFF"}) {
    EXPECT_FALSE(percent_decode(text, Plus::kIsPlus)) << text;
  }
}

TEST(Percent, encodes_everything_but_unreserved_characters) {
  EXPECT_EQ(percent_encode("aZ0-._~"), "aZ0-._~");
  EXPECT_EQ(percent_encode("a b&c=\xC3\xA9%"), "a%20b%26c%3D%C3%A9%25");
}

TEST(Form, reads_fields_in_order) {
  const auto form = Form::parse("a=1&b=two+words&c=%26%3D&d&e=x=y&&");
  ASSERT_TRUE(form.has_value());
  EXPECT_EQ(form->value("a"), "1");
  EXPECT_EQ(form->value("b"), "two words");
  EXPECT_EQ(form->value("c"), "&=");
  EXPECT_EQ(form->value("e"), "x=y");
  EXPECT_TRUE(form->has("d"));
  EXPECT_FALSE(form->has("f"));
  EXPECT_EQ(form->value("f"), "");
  EXPECT_EQ(form->fields().size(), 5U);
}

TEST(Form, shows_a_repeated_name) {
  EXPECT_EQ(Form::parse("a=1&b=2&%61=3")->repeated(), "a");
  EXPECT_EQ(Form::parse("a=1&b=2")->repeated(), "");
}

TEST(Form, refuses_broken_escapes_and_too_many_fields) {
  EXPECT_FALSE(Form::parse("a=%zz"));
  EXPECT_FALSE(Form::parse("%=a"));
  EXPECT_FALSE(Form::parse("a=%FF"));
  EXPECT_FALSE(Form::parse("a=b%00"));
  std::string many;
  for (std::size_t i = 0; i < Form::kMostFields; ++i) many += "a&";
  EXPECT_TRUE(Form::parse(many));
  EXPECT_FALSE(Form::parse(many + "a"));
}

TEST(Form, encodes_what_it_reads_back) {
  Form form;
  form.add("state", "a b&c=d+e\xC3\xA9");
  form.add("iss", "https://crm.example.com");
  EXPECT_EQ(form.encode(), "state=a%20b%26c%3Dd%2Be%C3%A9&iss=https%3A%2F%2Fcrm.example.com");
  EXPECT_EQ(Form::parse(form.encode())->value("state"), "a b&c=d+e\xC3\xA9");
}

Request with_header(std::string name, std::string value, std::string body = "") {
  Request request;
  request.headers.push_back({std::move(name), std::move(value)});
  request.body = std::move(body);
  return request;
}

TEST(Form, is_read_from_a_body_of_its_type_only) {
  EXPECT_EQ(read_form(with_header("content-type",
                                  "Application/X-WWW-Form-URLencoded ; charset=UTF-8", "a=1"))
                ->value("a"),
            "1");
  EXPECT_FALSE(read_form(with_header("content-type", "application/json", "a=1")));
  EXPECT_FALSE(read_form(with_header("x", "y", "a=1")));
}

TEST(Cookie, is_found_among_others) {
  const Request request = with_header("cookie", "aa=1; a=2;b = \"3\" ; c");
  EXPECT_EQ(cookie(request, "a"), "2");
  EXPECT_EQ(cookie(request, "b"), "3");
  EXPECT_EQ(cookie(request, "c"), "");
  EXPECT_EQ(cookie(request, "d"), "");
}

TEST(Cookie, of_two_values_is_none) {
  EXPECT_EQ(cookie(with_header("cookie", "a=1; a=1"), "a"), "1");
  EXPECT_EQ(cookie(with_header("cookie", "a=1; a=2"), "a"), "");
  Request request = with_header("cookie", "a=1");
  request.headers.push_back({"cookie", "a=2"});
  EXPECT_EQ(cookie(request, "a"), "");
}

TEST(Html, escapes_what_means_something) {
  EXPECT_EQ(escape_html("<a href=\"x\" b='y'>&\xC3\xA9"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\xC3\xA9");
  EXPECT_EQ(escape_html("a\xFF"), "a\xEF\xBF\xBD");
}

}  // namespace
}  // namespace lakehouse::worker::http
