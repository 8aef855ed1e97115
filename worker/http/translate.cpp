// SPDX-License-Identifier: PostgreSQL
// Request targets, headers in lower case, and the headers that every answer carries.
#include "worker/http/translate.hpp"

#include <algorithm>

#include <boost/beast/core/string.hpp>

namespace lakehouse::worker::http {
namespace {

namespace beast = boost::beast;
using beast::http::field;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

// Origin form as it is; absolute form without scheme and authority, if that is `host`.
std::string_view origin_form(std::string_view target, std::string_view host) {
  if (target.starts_with('/')) return target;
  const bool has_scheme = beast::iequals(target.substr(0, 7), "http://") ||
                          beast::iequals(target.substr(0, 8), "https://");
  if (!has_scheme) return {};
  const std::size_t authority = target.find("//") + 2;
  const std::size_t end = std::min(target.find_first_of("/?", authority), target.size());
  if (!beast::iequals(target.substr(authority, end - authority), host)) return {};
  if (end == target.size()) return "/";
  return target[end] == '/' ? target.substr(end) : std::string_view();
}

}  // namespace

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

std::optional<Request> to_request(const BeastRequest& head) {
  const auto host = head[field::host];
  const std::string_view target =
      origin_form({head.target().data(), head.target().size()}, {host.data(), host.size()});
  if (target.empty() || target.find('#') != std::string_view::npos) return std::nullopt;

  Request request;
  request.method = std::string(head.method_string());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& each : head) {
    const auto name = each.name_string();
    request.headers.push_back({lower({name.data(), name.size()}), std::string(each.value())});
  }
  return request;
}

BeastResponse to_beast(Response&& response, const Reply& reply) {
  BeastResponse message;
  message.result(static_cast<unsigned>(response.status));
  message.version(reply.version);
  message.keep_alive(reply.is_kept_alive);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("X-Request-Id", reply.request_id);
  for (const Header& header : reply.headers) message.insert(header.name, header.value);
  for (const Header& header : response.headers) message.insert(header.name, header.value);
  if (!has_body(response.status)) return message;
  message.set(field::content_type, response.content_type);
  if (response.stream) {
    message.chunked(reply.version >= 11);
    return message;
  }
  message.content_length(response.file ? response.file->length : response.body.size());
  if (!reply.is_for_head) message.body() = std::move(response.body);
  return message;
}

}  // namespace lakehouse::worker::http
