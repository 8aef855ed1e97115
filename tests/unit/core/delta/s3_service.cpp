// SPDX-License-Identifier: PostgreSQL
// Only what the store asks for; page size 2, so that few objects make many pages.
#include "tests/unit/core/delta/s3_service.hpp"

#include <algorithm>

namespace lakehouse::delta::testing {
namespace {

using http::testing::reply;

constexpr std::size_t kPageSize = 2;
const std::string kStart = "/b3x/";  // the bucket's

std::string failure(int status, const std::string& code) {
  return reply(status, "<Error><Code>" + code + "</Code></Error>");
}

// The value of a parameter, "" if it is absent; nothing here needs decoding but '/'.
std::string parameter(const std::string& query, const std::string& name) {
  const std::size_t at = ('&' + query).find('&' + name + '=');
  if (at == std::string::npos) return "";
  const std::size_t start = at + name.size() + 1;
  std::string value = query.substr(start, query.find('&', start) - start);
  for (std::size_t slash = 0; (slash = value.find("%2F")) != std::string::npos;) {
    value.replace(slash, 3, "/");
  }
  return value;
}

}  // namespace

std::map<std::string, std::string> S3Service::objects() {
  const std::lock_guard lock(mutex_);
  return objects_;
}

std::size_t S3Service::uploads() {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}

void S3Service::put(const std::string& target, const std::string& content) {
  const std::lock_guard lock(mutex_);
  objects_[target] = content;
}

void S3Service::fail_before(Fault fault) {
  const std::lock_guard lock(mutex_);
  before_ = std::move(fault);
}

void S3Service::fail_after(Fault fault) {
  const std::lock_guard lock(mutex_);
  after_ = std::move(fault);
}

void S3Service::answer(Peer& peer, const Received& request) {
  const std::lock_guard lock(mutex_);
  if (before_ && before_(peer, request)) return;
  const std::size_t mark = std::min(request.target.find('?'), request.target.size());
  const std::string query =
      mark < request.target.size() ? request.target.substr(mark + 1) : std::string();
  const std::string response = act(request, request.target.substr(0, mark), query);
  if (after_ && after_(peer, request)) return;
  peer.send(response);
}

std::string S3Service::act(const Received& request, const std::string& path,
                           const std::string& query) {
  const std::string upload = parameter(query, "uploadId");
  if (request.method == "GET" && query.empty()) return get_object(request, path);
  if (request.method == "GET") return list(query);
  if (request.method == "PUT" && upload.empty()) return put_object(request, path);
  if (request.method == "PUT") {
    uploads_[upload][parameter(query, "partNumber")] = request.body;
    return reply(200, "", "ETag: \"part\"\r\n");
  }
  if (request.method == "POST" && upload.empty()) {
    const std::string id = "upload" + std::to_string(request.number);
    uploads_[id];
    return reply(200, "<InitiateMultipartUploadResult><UploadId>" + id +
                          "</UploadId></InitiateMultipartUploadResult>");
  }
  if (request.method == "POST") return complete(path, upload);
  if (!upload.empty()) {
    uploads_.erase(upload);
  } else {
    objects_.erase(path);
  }
  return "HTTP/1.1 204 None\r\n\r\n";
}

std::string S3Service::put_object(const Received& request, const std::string& path) {
  if (request.headers.contains("if-none-match") && objects_.contains(path)) {
    return failure(412, "PreconditionFailed");
  }
  objects_[path] = request.body;
  return reply(200, "");
}

std::string S3Service::get_object(const Received& request, const std::string& path) {
  const auto found = objects_.find(path);
  if (found == objects_.end()) return failure(404, "NoSuchKey");
  const std::string& content = found->second;
  if (content.empty()) return failure(416, "InvalidRange");
  const std::string tag = '"' + std::to_string(std::hash<std::string>{}(content)) + '"';
  const auto wanted = request.headers.find("if-match");
  if (wanted != request.headers.end() && wanted->second != tag) {
    return failure(412, "PreconditionFailed");
  }
  const std::string range = request.headers.at("range").substr(6);
  const std::size_t dash = range.find('-');
  const std::size_t number = std::stoul(range.substr(dash + 1));
  std::size_t first = content.size() - std::min(number, content.size());
  std::size_t last = content.size() - 1;
  if (dash > 0) {
    first = std::stoul(range.substr(0, dash));
    last = std::min(number, last);
  }
  return reply(206, content.substr(first, last - first + 1),
               "ETag: " + tag + "\r\nContent-Range: bytes " + std::to_string(first) + '-' +
                   std::to_string(last) + '/' + std::to_string(content.size()) + "\r\n");
}

std::string S3Service::list(const std::string& query) {
  if (parameter(query, "list-type").empty()) {
    std::string xml = "<ListMultipartUploadsResult>";
    for (const auto& [id, parts] : uploads_) {
      xml += "<Upload><Key>t/x</Key><UploadId>" + id +
             "</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>";
    }
    return reply(200, xml + "</ListMultipartUploadsResult>");
  }
  const std::string start = kStart + parameter(query, "prefix");
  const std::string after = parameter(query, "continuation-token");
  std::string xml = "<ListBucketResult>";
  std::size_t count = 0;
  std::string last;
  for (const auto& [path, content] : objects_) {
    if (!path.starts_with(start) || (!after.empty() && path <= kStart + after)) continue;
    if (count == kPageSize) {
      xml += "<IsTruncated>true</IsTruncated><NextContinuationToken>" + last +
             "</NextContinuationToken>";
      break;
    }
    ++count;
    last = path.substr(kStart.size());
    xml += "<Contents><Key>" + last +
           "</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
           "<Size>" +
           std::to_string(content.size()) + "</Size></Contents>";
  }
  return reply(200, xml + "</ListBucketResult>");
}

std::string S3Service::complete(const std::string& path, const std::string& id) {
  const auto upload = uploads_.find(id);
  if (upload == uploads_.end()) return failure(404, "NoSuchUpload");
  std::string content;
  for (std::size_t i = 1; i <= upload->second.size(); ++i) {
    content += upload->second[std::to_string(i)];
  }
  objects_[path] = std::move(content);
  uploads_.erase(upload);
  return reply(200, "<CompleteMultipartUploadResult/>");
}

}  // namespace lakehouse::delta::testing
