// SPDX-License-Identifier: PostgreSQL
// Lines are judged when they are whole, chunks pass through.
#include "worker/http/body.hpp"

#include <algorithm>
#include <charconv>

namespace lakehouse::worker::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
// Of one chunk's size and extensions, and of all trailers.
constexpr std::size_t kLongestLine = 1024;
constexpr std::size_t kMostTrailerBytes = 4096;

bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x7F || (byte < 0x20 && c != '\t');
}

}  // namespace

Body Body::of_length(std::size_t bytes) {
  Body body;
  body.left_ = bytes;
  body.is_done_ = bytes == 0;
  return body;
}

Body Body::of_chunks(std::size_t most_bytes) {
  Body body;
  body.part_ = Part::kSize;
  body.most_bytes_ = most_bytes;
  return body;
}

Body::Progress Body::take(std::string& received) {
  while (!is_done_) {
    if (received.empty()) return Progress::kMore;
    Progress progress = Progress::kMore;
    switch (part_) {
      case Part::kBytes:
      case Part::kChunk:
        progress = take_bytes(received, Part::kChunkEnd);
        break;
      case Part::kSize:
      case Part::kTrailers:
        progress = take_line(received);
        break;
      case Part::kChunkEnd:
        progress = take_chunk_end(received);
        break;
    }
    if (progress != Progress::kDone) return progress;
  }
  return Progress::kDone;
}

// kDone of a step means: on to the next one.
Body::Progress Body::take_bytes(std::string& received, Part next) {
  const std::size_t count = std::min(left_, received.size());
  bytes_.append(received, 0, count);
  received.erase(0, count);
  left_ -= count;
  if (left_ > 0) return Progress::kMore;
  is_done_ = part_ == Part::kBytes;
  part_ = next;
  return Progress::kDone;
}

Body::Progress Body::take_line(std::string& received) {
  const std::size_t end = received.find(kLineEnd);
  if (std::min(end, received.size()) > kLongestLine) return Progress::kMalformed;
  if (end == std::string::npos) return Progress::kMore;
  const std::string line = received.substr(0, end);
  received.erase(0, end + kLineEnd.size());
  if (std::ranges::any_of(line, is_forbidden)) return Progress::kMalformed;
  if (part_ == Part::kSize) return take_size(line);
  is_done_ = line.empty();
  line_bytes_ += line.size();
  const bool is_field = line.empty() || (line.find(':') != std::string::npos && line[0] > ' ');
  return is_field && line_bytes_ <= kMostTrailerBytes ? Progress::kDone : Progress::kMalformed;
}

Body::Progress Body::take_size(std::string_view line) {
  const std::string_view size = line.substr(0, line.find(';'));
  const auto [end, problem] = std::from_chars(size.begin(), size.end(), left_, 16);
  if (size.empty() || problem == std::errc::invalid_argument || end != size.end()) {
    return Progress::kMalformed;
  }
  const bool is_beyond = problem == std::errc::result_out_of_range;
  if (is_beyond || left_ > most_bytes_ - bytes_.size()) return Progress::kTooLarge;
  part_ = left_ == 0 ? Part::kTrailers : Part::kChunk;
  return Progress::kDone;
}

Body::Progress Body::take_chunk_end(std::string& received) {
  if (!kLineEnd.starts_with(std::string_view(received).substr(0, kLineEnd.size()))) {
    return Progress::kMalformed;
  }
  if (received.size() < kLineEnd.size()) return Progress::kMore;
  received.erase(0, kLineEnd.size());
  part_ = Part::kSize;
  return Progress::kDone;
}

}  // namespace lakehouse::worker::http
