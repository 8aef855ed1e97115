// SPDX-License-Identifier: PostgreSQL
// Request targets, headers in lower case, and the headers that every answer carries.
#include "worker/http/translate.hpp"

#include <algorithm>

namespace lakehouse::worker::http {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

// Origin form as it is; absolute form without scheme and authority. Other forms have no path.
std::string_view origin_form(std::string_view target) {
  if (!target.empty() && target.front() == '/') return target;
  const std::size_t authority = target.find("://");
  if (authority == std::string_view::npos) return {};
  const std::size_t path = target.find('/', authority + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

std::optional<Request> to_request(BeastRequest&& received) {
  const std::string_view target = origin_form({received.target().data(), received.target().size()});
  const std::size_t hosts = received.count(boost::beast::http::field::host);
  if (target.empty() || hosts > 1 || (hosts == 0 && received.version() >= 11)) return std::nullopt;

  Request request;
  request.method = std::string(received.method_string());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& field : received) {
    const auto name = field.name_string();
    request.headers.push_back({lower({name.data(), name.size()}), std::string(field.value())});
  }
  request.body = std::move(received.body());
  return request;
}

BeastResponse to_beast(Response&& response, const Reply& reply) {
  BeastResponse message;
  message.result(static_cast<unsigned>(response.status));
  message.version(reply.version);
  message.keep_alive(reply.is_kept_alive);
  message.set(boost::beast::http::field::content_type, response.content_type);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("X-Request-Id", reply.request_id);
  for (const Header& header : response.headers) message.insert(header.name, header.value);
  message.content_length(response.body.size());
  if (!reply.is_for_head) message.body() = std::move(response.body);
  return message;
}

}  // namespace lakehouse::worker::http
