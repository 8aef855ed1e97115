// SPDX-License-Identifier: PostgreSQL
// Body: of a request, by its length or in chunks (RFC 9112, sections 6.3 and 7.1). However the
// bytes are cut into pieces, the same body comes out, or the same refusal. Chunk extensions and
// trailers are dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lakehouse::worker::http {

class Body {
 public:
  static Body of_length(std::size_t bytes);
  static Body of_chunks(std::size_t most_bytes);

  enum class Progress : std::uint8_t { kMore, kDone, kMalformed, kTooLarge };
  // Takes what belongs to the body off the front of `received`.
  Progress take(std::string& received);
  std::string release() { return std::move(bytes_); }

 private:
  enum class Part : std::uint8_t { kBytes, kSize, kChunk, kChunkEnd, kTrailers };

  Progress take_bytes(std::string& received, Part next);
  Progress take_line(std::string& received);
  Progress take_size(std::string_view line);
  Progress take_chunk_end(std::string& received);

  Part part_ = Part::kBytes;
  bool is_done_ = false;
  std::size_t left_ = 0;        // of the body, or of the chunk
  std::size_t most_bytes_ = 0;  // of all chunks
  std::size_t line_bytes_ = 0;  // of trailers so far
  std::string bytes_;
};

}  // namespace lakehouse::worker::http
