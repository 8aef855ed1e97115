// SPDX-License-Identifier: PostgreSQL
// The head line by line, then the fields that frame.
#include "worker/http/framing.hpp"

#include <algorithm>
#include <charconv>

#include <boost/beast/core/string.hpp>

namespace lakehouse::worker::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;

constexpr std::size_t kMostFields = 100;
constexpr std::size_t kLongestTarget = 8U << 10U;
constexpr std::string_view kLineEnd = "\r\n";

Response malformed(std::string_view details) {
  return problem(400, "BAD_REQUEST", "the request is malformed", details);
}

bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x7F || (byte < 0x20 && c != '\t');
}

std::optional<Response> refuse_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return malformed("The request line is not method, target and version.");
  }
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return malformed("The version is neither HTTP/1.1 nor HTTP/1.0.");
  }
  if (last - first > kLongestTarget) {
    return problem(414, "URI_TOO_LONG", "the request's target is too long");
  }
  return std::nullopt;
}

std::optional<Response> refuse_field_line(std::string_view line) {
  if (line.starts_with(' ') || line.starts_with('\t')) {
    return malformed("A field goes on in the next line.");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || line[colon - 1] == ' ' ||
      line[colon - 1] == '\t') {
    return malformed("A field has no name, or a space before its colon.");
  }
  return std::nullopt;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::optional<Response> refuse_head(std::string_view head) {
  std::size_t lines = 0;
  while (head != kLineEnd) {
    const std::size_t end = head.find(kLineEnd);
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + kLineEnd.size());
    if (std::ranges::any_of(line, is_forbidden)) {
      return malformed("A line has a control character or ends in something else than CRLF.");
    }
    const auto refused = lines == 0 ? refuse_request_line(line) : refuse_field_line(line);
    if (refused) return refused;
    if (++lines > kMostFields + 1) {
      return problem(431, "HEADER_TOO_LARGE", "the request has too many header fields");
    }
  }
  return std::nullopt;
}

std::optional<Response> refuse_framing(const BeastRequest& head) {
  const auto lengths = head.count(field::content_length);
  const auto codings = head.count(field::transfer_encoding);
  if (lengths + codings > 1) return malformed("It says more than once where the body ends.");
  if (lengths == 1 && !is_digits(view(head[field::content_length]))) {
    return malformed("Content-Length is not a number.");
  }
  if (codings == 1 &&
      (head.version() < 11 || !beast::iequals(head[field::transfer_encoding], "chunked"))) {
    return malformed("Transfer-Encoding is not \"chunked\" in HTTP/1.1.");
  }
  const auto hosts = head.count(field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11))
    return malformed("Host must be there once.");
  const auto expectations = head.count(field::expect);
  if (expectations > 1 ||
      (expectations == 1 && !beast::iequals(head[field::expect], "100-continue"))) {
    return problem(417, "EXPECTATION_FAILED", "the request expects something unknown");
  }
  return std::nullopt;
}

std::uint64_t content_length(const BeastRequest& head) {
  const std::string_view digits = view(head[field::content_length]);
  std::uint64_t length = 0;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), length);
  return problem == std::errc::result_out_of_range ? UINT64_MAX : length;
}

}  // namespace lakehouse::worker::http
