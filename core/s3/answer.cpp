// SPDX-License-Identifier: PostgreSQL
// pugixml reads neither DTDs nor external entities, and frees a document without recursion.
#include "core/s3/answer.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>
#include <pugixml.hpp>

namespace lakehouse::s3 {
namespace {

constexpr std::size_t kLongestErrorCode = 64;

Error malformed() {
  return {ErrorCode::kInvalidResponse, "object store sent a malformed answer", "",
          "Check the endpoint, and whether a proxy stands in between."};
}

class Document {
 public:
  explicit Document(std::string_view xml)
      : is_sound_(document_.load_buffer(xml.data(), xml.size(), pugi::parse_default,
                                        pugi::encoding_utf8)) {}

  // The root, if it is called so; else nothing.
  pugi::xml_node root(const char* name) const {
    const pugi::xml_node node = document_.document_element();
    if (!is_sound_ || std::string_view(node.name()) != name) return {};
    return node;
  }

 private:
  pugi::xml_document document_;
  bool is_sound_;
};

// Of the first child called so; nothing if it is missing or empty.
std::optional<std::string> text_of(const pugi::xml_node& parent, const char* name) {
  const std::string_view text = parent.child(name).child_value();
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<std::int64_t> number_of(const pugi::xml_node& parent, const char* name) {
  const std::string_view text = parent.child(name).child_value();
  std::int64_t number = 0;
  const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || stop != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

// "2026-01-31T23:59:59Z", perhaps with a fraction, which is dropped.
std::optional<Time> time_of(const pugi::xml_node& parent, const char* name) {
  const std::string text = parent.child(name).child_value();
  std::tm parts{};
  int end = 0;
  const int read =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &end);
  if (read != 6 || !text.ends_with('Z')) return std::nullopt;
  const std::string_view rest = std::string_view(text).substr(static_cast<std::size_t>(end));
  if (rest.find_first_not_of("0123456789", rest.starts_with('.') ? 1 : 0) != rest.size() - 1) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

// "true", "false" or absent.
std::optional<bool> is_truncated(const pugi::xml_node& root) {
  const std::string text = text_of(root, "IsTruncated").value_or("false");
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

}  // namespace

Result<ObjectPage> read_object_page(std::string_view xml) {
  const Document document(xml);
  const pugi::xml_node root = document.root("ListBucketResult");
  const auto has_more = is_truncated(root);
  if (!root || !has_more) return malformed();
  ObjectPage page;
  for (const pugi::xml_node& one : root.children("Contents")) {
    auto key = text_of(one, "Key");
    const auto bytes = number_of(one, "Size");
    const auto modified = time_of(one, "LastModified");
    if (!key || !bytes || !modified) return malformed();
    page.objects.push_back({*std::move(key), *bytes, *modified});
  }
  if (*has_more) {
    auto next = text_of(root, "NextContinuationToken");
    if (!next) return malformed();
    page.continuation = *std::move(next);
  }
  return page;
}

Result<UploadPage> read_upload_page(std::string_view xml) {
  const Document document(xml);
  const pugi::xml_node root = document.root("ListMultipartUploadsResult");
  const auto has_more = is_truncated(root);
  if (!root || !has_more) return malformed();
  UploadPage page;
  for (const pugi::xml_node& one : root.children("Upload")) {
    auto key = text_of(one, "Key");
    auto id = text_of(one, "UploadId");
    const auto begun = time_of(one, "Initiated");
    if (!key || !id || !begun) return malformed();
    page.uploads.push_back({*std::move(key), *std::move(id), *begun});
  }
  if (*has_more) {
    auto next_key = text_of(root, "NextKeyMarker");
    if (!next_key) return malformed();
    page.next_key = *std::move(next_key);
    page.next_id = text_of(root, "NextUploadIdMarker").value_or("");
  }
  return page;
}

Result<std::string> read_upload_id(std::string_view xml) {
  const Document document(xml);
  auto id = text_of(document.root("InitiateMultipartUploadResult"), "UploadId");
  if (!id) return malformed();
  return *std::move(id);
}

bool is_completion(std::string_view xml) {
  return static_cast<bool>(Document(xml).root("CompleteMultipartUploadResult"));
}

Result<Session> read_session(std::string_view xml) {
  const Document document(xml);
  const pugi::xml_node found =
      document.root("AssumeRoleResponse").child("AssumeRoleResult").child("Credentials");
  auto key_id = text_of(found, "AccessKeyId");
  auto secret = text_of(found, "SecretAccessKey");
  auto token = text_of(found, "SessionToken");
  const auto expires = time_of(found, "Expiration");
  if (!key_id || !secret || !token || !expires) return malformed();
  return Session{{*std::move(key_id), Secret(*std::move(secret)), Secret(*std::move(token))},
                 *expires};
}

std::string read_error_code(std::string_view xml) {
  const Document document(xml);
  pugi::xml_node error = document.root("Error");
  if (!error) error = document.root("ErrorResponse").child("Error");  // of STS
  const std::string code = text_of(error, "Code").value_or("");
  const bool is_code = code.size() <= kLongestErrorCode && std::ranges::all_of(code, [](char c) {
                         return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                (c >= '0' && c <= '9') || c == '.';
                       });
  return is_code ? code : "";
}

}  // namespace lakehouse::s3
