// SPDX-License-Identifier: PostgreSQL
// The head is judged as bytes, parsed, judged as fields; then Beast's parser takes the body.
#include "worker/http/intake.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "worker/http/framing.hpp"
#include "worker/http/translate.hpp"

namespace lakehouse::worker::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using HttpError = boost::beast::http::error;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
// Of chunk extensions, trailers or pipelined requests.
constexpr std::size_t kMostBesideHead = 4096;

Response malformed(std::string_view details = {}) {
  return problem(400, "BAD_REQUEST", "the request is malformed", details);
}

Response unparsable(error_code error) {
  if (error != HttpError::body_limit) return malformed();
  return problem(413, "BODY_TOO_LARGE", "the request's body is too large");
}

}  // namespace

bool Intake::is_full() const { return received_.size() >= limits_.header_bytes + kMostBesideHead; }

std::size_t Intake::drop() { return std::exchange(received_, {}).size(); }

Intake::Progress Intake::advance() {
  if (refusal_) return Progress::kRefused;
  return parser_ ? parse_body() : parse_head();
}

Intake::Progress Intake::parse_head() {
  const std::size_t end = received_.find(kHeadEnd);
  const bool is_whole = end != std::string::npos;
  const std::size_t bytes = is_whole ? end + kHeadEnd.size() : received_.size();
  if (bytes > limits_.header_bytes) {
    return refuse(problem(431, "HEADER_TOO_LARGE", "the request's header is too large"));
  }
  if (!is_whole) return Progress::kHead;
  if (auto refused = refuse_head(std::string_view(received_).substr(0, bytes))) {
    return refuse(*std::move(refused));
  }
  parser_.emplace();
  parser_->header_limit(limits_.header_bytes + 1);
  parser_->body_limit(limits_.body_bytes);
  error_code error;
  parser_->put(asio::buffer(received_.data(), bytes), error);
  if (error) return refuse(unparsable(error));
  received_.erase(0, bytes);
  const BeastRequest& head = parser_->get();
  if (auto refused = refuse_framing(head)) return refuse(*std::move(refused));
  auto request = to_request(head);
  if (!request) {
    return refuse(malformed("The target is no path of the host that the Host header names."));
  }
  next_ = {*std::move(request), head.version(), head.keep_alive()};
  is_waiting_for_continue_ = !next_.request.header("expect").empty() && next_.version >= 11;
  parser_->eager(true);
  return parse_body();
}

Intake::Progress Intake::parse_body() {
  while (!parser_->is_done() && !received_.empty()) {
    error_code error;
    received_.erase(0, parser_->put(asio::buffer(received_), error));
    if (error == HttpError::need_more) break;
    if (error) return refuse(unparsable(error));
  }
  if (parser_->is_done()) return Progress::kRequest;
  return is_full() ? refuse(malformed()) : Progress::kBody;
}

bool Intake::must_say_continue() {
  return std::exchange(is_waiting_for_continue_, false) && received_.empty();
}

Intake::Received Intake::release() {
  next_.request.body = std::move(parser_->get().body());
  parser_.reset();
  if (received_.empty()) received_.shrink_to_fit();
  return std::move(next_);
}

Response Intake::refusal() { return std::move(*refusal_); }

Intake::Progress Intake::refuse(Response response) {
  refusal_ = std::move(response);
  return Progress::kRefused;
}

}  // namespace lakehouse::worker::http
