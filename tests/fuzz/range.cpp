// SPDX-License-Identifier: PostgreSQL
// Which bytes of a file an answer carries. The first byte of the input is the size of the file, and
// how much smaller than any can be a second one is; the lines after it are the values of Range,
// If-Range, If-None-Match and If-Match.
#include "worker/http/range.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/require.hpp"

namespace lakehouse::worker::http {
namespace {

using fuzz::require;

constexpr std::string_view kNames[] = {"range", "if-range", "if-none-match", "if-match"};

// A line that is missing is a field that is missing; so is an empty one.
Request read(std::string_view lines) {
  Request request;
  request.method = "GET";
  for (const std::string_view name : kNames) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() < lines.size() ? line.size() + 1 : line.size());
    if (!line.empty()) request.headers.push_back({std::string(name), std::string(line)});
  }
  return request;
}

std::string content_range(const Part& part) {
  for (const Header& header : part.headers) {
    if (header.name == "Content-Range") return header.value;
  }
  return {};
}

void check(const Request& request, std::uint64_t size) {
  const Part part = choose_part(request, size, "v1");
  const std::string range = content_range(part);
  require(part.length <= size && part.offset <= size - part.length, "a part is within the file");
  switch (part.status) {
    case 200:
      require(part.offset == 0 && part.length == size && range.empty(), "200 is the whole file");
      break;
    case 206:
      require(!request.header("range").empty() && part.length > 0, "206 answers a range");
      require(range == "bytes " + std::to_string(part.offset) + "-" +
                           std::to_string(part.offset + part.length - 1) + "/" +
                           std::to_string(size),
              "206 says which bytes it has");
      break;
    case 416:
      require(!request.header("range").empty() && part.length == 0, "416 answers a range");
      require(range == "bytes */" + std::to_string(size), "416 says how long the file is");
      break;
    case 304:
      require(!request.header("if-none-match").empty() && part.length == 0, "304 was asked for");
      break;
    default:
      require(part.status == 412 && !request.header("if-match").empty() && part.length == 0,
              "412 was asked for");
  }
}

}  // namespace
}  // namespace lakehouse::worker::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = lakehouse::worker::http;
  if (size < 1) return 0;
  const std::uint64_t small = data[0];
  auto request = http::read({reinterpret_cast<const char*>(data) + 1, size - 1});
  http::check(request, small);
  http::check(request, UINT64_MAX - small);
  request.method = "HEAD";
  const auto whole = http::choose_part(request, small, "v1");
  lakehouse::fuzz::require(whole.status != 206 && whole.status != 416, "HEAD has no range");
  return 0;
}
