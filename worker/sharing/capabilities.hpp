// SPDX-License-Identifier: PostgreSQL
// Capabilities: what a client says it can read, and what it gets. Source: Delta Sharing protocol,
// "Delta Sharing Capabilities"; the header fileidhash is the reference server's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "worker/http/message.hpp"
#include "worker/sharing/answer.hpp"

namespace lakehouse::worker::sharing {

enum class Format : std::uint8_t { kParquet, kDelta };

// How a file's id is made of its path: MD5 or SHA-256, as the reference server does.
enum class IdHash : std::uint8_t { kMd5, kSha256 };

struct Capabilities {
  Format format = Format::kParquet;
  IdHash id_hash = IdHash::kMd5;
  bool has_end_of_stream = false;  // asked for an endStreamAction
  bool is_id_hash_asked = false;   // then it is said back

  // The value of the answer's header.
  std::string granted() const;
  std::string_view id_hash_name() const { return id_hash == IdHash::kMd5 ? "parquet" : "delta"; }
};

// Of both formats, parquet: our tables have reader version 1. Names and values of any case; unknown
// capabilities are ignored. Refusals: a response format or hash that is neither.
Or<Capabilities> read_capabilities(const http::Request& request);

}  // namespace lakehouse::worker::sharing
