// SPDX-License-Identifier: PostgreSQL
// Every range is checked against what was asked for: a service that ignores ranges, or a proxy that
// shortens them, must not give other bytes.
#include "core/delta/s3_source.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "core/s3/failure.hpp"

namespace lakehouse::delta {
namespace {

constexpr std::size_t kEndBytes = 64U << 10U;   // the footer of a data file is smaller
constexpr std::size_t kSliceBytes = 8U << 20U;  // of a range: bounds what a response holds

struct Range {
  std::int64_t first = 0, last = 0, total = 0;
};

// "bytes 0-9/100".
std::optional<Range> parse_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  Range range;
  const auto take = [&text](std::int64_t& number, std::string_view after) {
    const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    if (status != std::errc() || number < 0 || !text.starts_with(after)) return false;
    text.remove_prefix(after.size());
    return true;
  };
  const bool is_sound = take(range.first, "-") && take(range.last, "/") && take(range.total, "") &&
                        text.empty() && range.first <= range.last && range.last < range.total;
  if (!is_sound) return std::nullopt;
  return range;
}

Error wrong_range() {
  return {ErrorCode::kUnavailable, "object store sent another range than was asked for", "",
          "Check whether a proxy stands in between."};
}

Error changed() {
  return {ErrorCode::kUnavailable, "a file of a table was replaced while it was read", "",
          "Run it again."};
}

std::string range_header(std::int64_t first, std::size_t count) {
  const std::int64_t last = first + static_cast<std::int64_t>(count) - 1;
  return "bytes=" + std::to_string(first) + '-' + std::to_string(last);
}

}  // namespace

Result<std::unique_ptr<S3Source>> S3Source::open(std::shared_ptr<const s3::Bucket> bucket,
                                                 std::string key, const Context& context) {
  std::unique_ptr<S3Source> source(new S3Source(std::move(bucket), std::move(key), context));
  if (Status status = source->read_end(); !status) return std::move(status).error();
  return source;
}

// Learns the size too. 416 is the answer of an empty object, which has no last bytes.
Status S3Source::read_end() {
  s3::ObjectRequest request;
  request.key = key_;
  request.headers = {{"Range", "bytes=-" + std::to_string(kEndBytes)}};
  request.max_body_bytes = kEndBytes;
  auto response = bucket_->send(std::move(request), context_);
  if (!response) return std::move(response).error();
  if (response->status == 416) return kDone;
  if (response->status == 200 && response->body.empty()) return kDone;
  if (response->status != 200 && response->status != 206) return s3::failure_of(*response);
  const auto range = parse_range(response->header("content-range").value_or(""));
  if (response->status != 206 || !range || range->last + 1 != range->total ||
      range->last - range->first + 1 != static_cast<std::int64_t>(response->body.size())) {
    return wrong_range();
  }
  bytes_ = range->total;
  entity_tag_ = response->header("etag").value_or("");
  end_ = std::move(response->body);
  return kDone;
}

Result<std::size_t> S3Source::read(std::int64_t offset, std::span<std::byte> into) const {
  if (offset < 0 || offset >= bytes_) return std::size_t{0};
  const std::size_t count = std::min(into.size(), static_cast<std::size_t>(bytes_ - offset));
  const std::int64_t end_at = bytes_ - static_cast<std::int64_t>(end_.size());
  std::size_t done = 0;
  while (done < count) {
    const std::int64_t at = offset + static_cast<std::int64_t>(done);
    std::size_t slice = count - done;
    if (at >= end_at) {
      std::memcpy(&into[done], end_.data() + (at - end_at), slice);
    } else {
      slice = std::min({slice, kSliceBytes, static_cast<std::size_t>(end_at - at)});
      const Status status = read_range(at, into.subspan(done, slice));
      if (!status) return status.error();
    }
    done += slice;
  }
  return done;
}

Status S3Source::read_range(std::int64_t offset, std::span<std::byte> into) const {
  s3::ObjectRequest request;
  request.key = key_;
  request.headers = {{"Range", range_header(offset, into.size())}};
  if (!entity_tag_.empty()) request.headers.push_back({"If-Match", entity_tag_});
  request.max_body_bytes = std::max(into.size(), s3::ObjectRequest::kMostAnswerBytes);
  auto response = bucket_->send(std::move(request), context_);
  if (!response) return std::move(response).error();
  if (response->status == 412 || response->status == 416) return changed();
  if (response->status != 200 && response->status != 206) return s3::failure_of(*response);
  const auto range = parse_range(response->header("content-range").value_or(""));
  if (response->status != 206 || !range || range->first != offset || range->total != bytes_ ||
      response->body.size() != into.size()) {
    return wrong_range();
  }
  std::memcpy(into.data(), response->body.data(), into.size());
  return kDone;
}

}  // namespace lakehouse::delta
