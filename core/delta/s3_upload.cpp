// SPDX-License-Identifier: PostgreSQL
// A conditional PUT whose answer is lost may have succeeded; its repetition then finds the
// condition broken by itself. So it is never repeated blindly: what is there is read and compared.
#include "core/delta/s3_upload.hpp"

#include <condition_variable>
#include <mutex>
#include <random>

#include "core/delta/s3_source.hpp"
#include "core/delta/s3_store.hpp"
#include "core/http/backoff.hpp"
#include "core/s3/answer.hpp"
#include "core/s3/failure.hpp"

namespace lakehouse::delta {
namespace {

constexpr int kMostAttempts = 6;  // as core/http's own
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{20'000};
constexpr std::chrono::seconds kAbortTime{5};
constexpr std::size_t kMostParts = 10'000;  // S3's limit

const http::Header kIfAbsent{"If-None-Match", "*"};

// False if the context ends first.
bool pause(std::chrono::milliseconds span, const Context& context) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  const auto until = Deadline::in(span).sooner(context.deadline).at();
  never.wait_until(lock, context.stop, until, [] { return false; });
  return !context.stop.stop_requested() && !context.deadline.has_passed();
}

// Whether the server may have acted, or will act if asked again.
bool is_uncertain(const Result<http::Response>& response) {
  if (!response) return response.error().code == ErrorCode::kUnavailable;
  return response->status == 500 || response->status == 502 || response->status == 504;
}

// 409: another conditional write to the same key is under way.
bool is_worth_repeating(const Result<http::Response>& response) {
  return is_uncertain(response) || (response && response->status == 409);
}

std::string completion_of(const std::vector<std::string>& entity_tags) {
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < entity_tags.size(); ++i) {
    xml += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>";
    for (const char letter : entity_tags[i]) {
      if (letter == '"') {
        xml += "&quot;";
      } else if (letter != '<' && letter != '>' && letter != '&') {
        xml += letter;
      }
    }
    xml += "</ETag></Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace

S3Upload::~S3Upload() {
  if (upload_id_.empty()) return;
  static_cast<void>(
      abort_upload(*bucket_, key_, upload_id_, Context{Deadline::in(kAbortTime), {}, {}}));
}

Status S3Upload::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // Only what is followed by more is sent: the last part, or the whole, is finish()'s.
    if (held_.size() == kPartBytes) {
      if (Status status = put_part(); !status) return status;
    }
    const auto piece = bytes.first(std::min(bytes.size(), kPartBytes - held_.size()));
    held_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    bytes = bytes.subspan(piece.size());
  }
  return kDone;
}

Result<bool> S3Upload::finish(IfPresent if_present) {
  if (upload_id_.empty()) return put_whole(if_present);
  if (Status status = put_part(); !status) return std::move(status).error();
  return complete(if_present);
}

Status S3Upload::begin() {
  s3::ObjectRequest request;
  request.method = http::Method::kPost;
  request.key = key_;
  request.query = {{"uploads", ""}};
  request.retry = http::Retry::kIdempotent;  // one too many is removed as unfinished
  auto response = bucket_->send(std::move(request), context_);
  if (!response) return std::move(response).error();
  if (response->status != 200) return s3::failure_of(*response);
  auto id = s3::read_upload_id(response->body);
  if (!id) return s3::failure_of(std::move(id).error(), context_);
  upload_id_ = *std::move(id);
  return kDone;
}

Status S3Upload::put_part() {
  if (upload_id_.empty()) {
    if (Status status = begin(); !status) return status;
  }
  if (entity_tags_.size() == kMostParts) {
    return Error{ErrorCode::kUnavailable, "a file of a table is too large for an object store", "",
                 ""};
  }
  s3::ObjectRequest request;
  request.method = http::Method::kPut;
  request.key = key_;
  request.query = {{"partNumber", std::to_string(entity_tags_.size() + 1)},
                   {"uploadId", upload_id_}};
  request.body = std::move(held_);
  held_.clear();
  auto response = bucket_->send(std::move(request), context_);
  if (!response) return std::move(response).error();
  if (response->status != 200) return s3::failure_of(*response);
  entity_tags_.emplace_back(response->header("etag").value_or(""));
  return kDone;
}

Result<bool> S3Upload::put_whole(IfPresent if_present) {
  if (if_present == IfPresent::kKeep) return put_if_absent();
  s3::ObjectRequest request;
  request.method = http::Method::kPut;
  request.key = key_;
  request.body = std::move(held_);
  auto response = bucket_->send(std::move(request), context_);
  if (!response) return std::move(response).error();
  if (response->status != 200) return s3::failure_of(*response);
  return true;
}

Result<bool> S3Upload::put_if_absent() {
  http::Backoff backoff(kFirstPause, kLongestPause, std::random_device{}());
  bool may_be_there = false;
  for (int attempt = 1;; ++attempt) {
    s3::ObjectRequest request;
    request.method = http::Method::kPut;
    request.key = key_;
    request.headers = {kIfAbsent};
    request.body = held_;
    request.retry = http::Retry::kRefused;
    auto response = bucket_->send(std::move(request), context_);
    if (response && response->status == 200) return true;
    if (response && response->status == 412) return may_be_there ? is_ours() : false;
    may_be_there = may_be_there || is_uncertain(response);
    const bool is_over = !is_worth_repeating(response) || attempt == kMostAttempts ||
                         !pause(backoff.pick(attempt, std::nullopt), context_);
    if (!is_over) continue;
    if (!response) return std::move(response).error();
    return s3::failure_of(*response);
  }
}

// Whether the file that is there is the one that was to be put.
Result<bool> S3Upload::is_ours() {
  auto source = S3Source::open(bucket_, key_, context_);
  if (!source) return std::move(source).error();
  if ((*source)->bytes() != static_cast<std::int64_t>(held_.size())) return false;
  std::string found(held_.size(), '\0');
  auto read = (*source)->read(0, std::as_writable_bytes(std::span(found)));
  if (!read) return std::move(read).error();
  return found == held_;
}

// Only the service's word for it counts: it may say 200 and then that it failed.
Result<bool> S3Upload::complete(IfPresent if_present) {
  s3::ObjectRequest request;
  request.method = http::Method::kPost;
  request.key = key_;
  request.query = {{"uploadId", upload_id_}};
  if (if_present == IfPresent::kKeep) request.headers = {kIfAbsent};
  request.body = completion_of(entity_tags_);
  request.retry = http::Retry::kRefused;
  auto response = bucket_->send(std::move(request), context_);
  if (!response) return std::move(response).error();
  if (response->status == 412) return false;  // the upload is aborted by the destructor
  if (response->status != 200) return s3::failure_of(*response);
  if (!s3::is_completion(response->body)) {
    response->status = 500;
    return s3::failure_of(*response);
  }
  upload_id_.clear();
  return true;
}

Status abort_upload(const s3::Bucket& bucket, const std::string& key, const std::string& upload_id,
                    const Context& context) {
  s3::ObjectRequest request;
  request.method = http::Method::kDelete;
  request.key = key;
  request.query = {{"uploadId", upload_id}};
  auto response = bucket.send(std::move(request), context);
  if (!response) return std::move(response).error();
  const bool is_gone = response->status == 204 || response->status == 200 ||
                       s3::read_error_code(response->body) == "NoSuchUpload";
  if (is_gone) return kDone;
  return s3::failure_of(*response);
}

}  // namespace lakehouse::delta
