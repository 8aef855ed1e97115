// SPDX-License-Identifier: PostgreSQL
// Part: which bytes of a file a GET or HEAD is answered with, by its preconditions and its Range
// (RFC 9110, sections 13 and 14).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "worker/http/message.hpp"

namespace lakehouse::worker::http {

struct Part {
  int status = 200;             // 200 and 206 carry bytes; 304, 412 and 416 do not
  std::vector<Header> headers;  // ETag, Accept-Ranges, Content-Range
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// `etag` is the opaque tag without its quotes; it must differ whenever a byte of the file does.
// A GET with one satisfiable range is answered with 206, even if that range is the whole file: the
// Spark client of Delta Sharing takes nothing else. As the RFC allows or demands, the Range is
// ignored if it is malformed, of another unit, or on a HEAD; and if it asks for several ranges. We
// send no dates: preconditions by date are ignored, and a date in If-Range matches nothing.
Part choose_part(const Request& request, std::uint64_t size, std::string_view etag);

}  // namespace lakehouse::worker::http
