// SPDX-License-Identifier: PostgreSQL
// Listings page by page; uploads and downloads are files of their own.
#include "core/delta/s3_store.hpp"

#include <algorithm>

#include "core/delta/s3_source.hpp"
#include "core/delta/s3_upload.hpp"
#include "core/s3/failure.hpp"

namespace lakehouse::delta {
namespace {

constexpr const char* kPageSize = "1000";  // the most that S3 gives

Result<s3::ObjectPage> list_page(const s3::Bucket& bucket, const std::string& prefix,
                                 const std::string& continuation, const Context& context) {
  s3::ObjectRequest request;
  request.query = {{"list-type", "2"}, {"max-keys", kPageSize}, {"prefix", prefix}};
  if (!continuation.empty()) request.query.push_back({"continuation-token", continuation});
  auto response = bucket.send(std::move(request), context);
  if (!response) return std::move(response).error();
  if (response->status != 200) return s3::failure_of(*response);
  auto page = s3::read_object_page(response->body);
  if (!page) return s3::failure_of(std::move(page).error(), context);
  return page;
}

Result<s3::UploadPage> list_uploads(const s3::Bucket& bucket, const std::string& prefix,
                                    const s3::UploadPage& before, const Context& context) {
  s3::ObjectRequest request;
  request.query = {{"uploads", ""}, {"max-uploads", kPageSize}, {"prefix", prefix}};
  if (!before.next_key.empty()) {
    request.query.push_back({"key-marker", before.next_key});
    request.query.push_back({"upload-id-marker", before.next_id});
  }
  auto response = bucket.send(std::move(request), context);
  if (!response) return std::move(response).error();
  if (response->status != 200) return s3::failure_of(*response);
  auto page = s3::read_upload_page(response->body);
  if (!page) return s3::failure_of(std::move(page).error(), context);
  return page;
}

}  // namespace

Result<std::unique_ptr<S3Store>> S3Store::open_folder(std::shared_ptr<const s3::Bucket> bucket,
                                                      std::string folder) {
  if (!folder.empty()) {
    if (Status status = check_name(folder); !status) return std::move(status).error();
    folder += '/';
  }
  return std::unique_ptr<S3Store>(new S3Store(std::move(bucket), std::move(folder)));
}

Result<std::string> S3Store::key_of(std::string_view name) const {
  if (Status status = check_name(name); !status) return std::move(status).error();
  return prefix_ + std::string(name);
}

Result<std::unique_ptr<Upload>> S3Store::create(std::string_view name, const Context& context) {
  auto key = key_of(name);
  if (!key) return std::move(key).error();
  return std::unique_ptr<Upload>(std::make_unique<S3Upload>(bucket_, *std::move(key), context));
}

Result<std::unique_ptr<Source>> S3Store::open(std::string_view name, const Context& context) {
  auto key = key_of(name);
  if (!key) return std::move(key).error();
  auto source = S3Source::open(bucket_, *std::move(key), context);
  if (!source) return std::move(source).error();
  return std::unique_ptr<Source>(*std::move(source));
}

Status S3Store::remove(std::string_view name, const Context& context) {
  auto key = key_of(name);
  if (!key) return std::move(key).error();
  s3::ObjectRequest request;
  request.method = http::Method::kDelete;
  request.key = *std::move(key);
  auto response = bucket_->send(std::move(request), context);
  if (!response) return std::move(response).error();
  if (response->status == 200 || response->status == 204) return kDone;
  if (s3::read_error_code(response->body) == "NoSuchKey") return kDone;
  return s3::failure_of(*response);
}

Result<std::vector<StoredFile>> S3Store::list(std::string_view prefix, const Context& context) {
  std::vector<StoredFile> files;
  s3::ObjectPage page;
  do {
    if (context.stop.stop_requested()) return cancelled_error();
    auto next = list_page(*bucket_, prefix_ + std::string(prefix), page.continuation, context);
    if (!next) return std::move(next).error();
    page = *std::move(next);
    append_files(files, page.objects);
  } while (!page.continuation.empty());
  std::ranges::sort(files, {}, &StoredFile::name);
  return files;
}

void S3Store::append_files(std::vector<StoredFile>& files,
                           const std::vector<s3::StoredObject>& objects) {
  for (const s3::StoredObject& one : objects) {
    if (!one.key.starts_with(prefix_)) continue;
    std::string name = one.key.substr(prefix_.size());
    if (check_name(name)) files.push_back({std::move(name), one.bytes, one.modified});
  }
}

Result<std::int64_t> S3Store::remove_unfinished(std::string_view prefix, std::chrono::seconds age,
                                                const Context& context) {
  const std::string start = prefix_ + std::string(prefix);
  // The service's clock may be ahead of ours, so without an age there is nothing to compare.
  using Clock = std::chrono::system_clock;
  const auto before = age.count() == 0 ? Clock::time_point::max() : Clock::now() - age;
  std::int64_t removed = 0;
  s3::UploadPage page;
  do {
    auto next = list_uploads(*bucket_, start, page, context);
    if (!next) return std::move(next).error();
    page = *std::move(next);
    for (const s3::UnfinishedUpload& one : page.uploads) {
      if (one.begun > before || !one.key.starts_with(start)) continue;
      if (Status status = abort_upload(*bucket_, one.key, one.id, context); !status) {
        return std::move(status).error();
      }
      ++removed;
    }
  } while (!page.next_key.empty());
  return removed;
}

}  // namespace lakehouse::delta
