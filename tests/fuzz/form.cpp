// SPDX-License-Identifier: PostgreSQL
// Forms, cookies, percent-encoding and HTML.
#include "worker/http/form.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.hpp"
#include "worker/http/cookie.hpp"
#include "worker/http/html.hpp"
#include "worker/http/percent.hpp"
#include "worker/json/text.hpp"

namespace lakehouse::worker::http {
namespace {

using fuzz::require;

void check_form(std::string_view text) {
  const auto form = Form::parse(text);
  if (!form) return;
  const auto again = Form::parse(form->encode());
  require(again && again->fields().size() == form->fields().size(), "a form can be written");
  for (std::size_t i = 0; i < form->fields().size(); ++i) {
    const auto& field = form->fields()[i];
    require(field.name == again->fields()[i].name && field.value == again->fields()[i].value,
            "a written form reads as it was");
    require(field.value.find('\0') == std::string::npos, "a value has no NUL");
    require(json::is_well_formed(field.name) && json::is_well_formed(field.value),
            "a form is UTF-8");
  }
  require(again->repeated() == form->repeated(), "repeated names stay visible");
}

void check_text(std::string_view text) {
  require(escape_html(text).find_first_of("<>\"'") == std::string::npos, "no markup is left");
  const auto decoded = percent_decode(text, Plus::kIsPlus);
  if (decoded) {
    require(percent_decode(percent_encode(*decoded), Plus::kIsSpace) == *decoded,
            "what is encoded decodes to itself");
  }
}

void check_cookie(std::string_view text) {
  Request request;
  request.headers.push_back({"cookie", std::string(text)});
  const std::string_view value = cookie(request, "session");
  require(value.find(';') == std::string_view::npos, "a cookie ends at its semicolon");
}

}  // namespace
}  // namespace lakehouse::worker::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  lakehouse::worker::http::check_form(text);
  lakehouse::worker::http::check_text(text);
  lakehouse::worker::http::check_cookie(text);
  return 0;
}
