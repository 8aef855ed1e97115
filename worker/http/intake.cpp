// SPDX-License-Identifier: PostgreSQL
// The head is judged as bytes, parsed by Beast, judged as fields; then comes the body.
#include "worker/http/intake.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include "worker/http/translate.hpp"

namespace lakehouse::worker::http {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
// Of pipelined requests.
constexpr std::size_t kMostBesideHead = 4096;

Response malformed(std::string_view details = {}) {
  return problem(400, "BAD_REQUEST", "the request is malformed", details);
}

Response too_large() { return problem(413, "BODY_TOO_LARGE", "the request's body is too large"); }

}  // namespace

bool Intake::is_full() const { return received_.size() >= limits_.header_bytes + kMostBesideHead; }

std::size_t Intake::drop() { return std::exchange(received_, {}).size(); }

Intake::Progress Intake::advance() {
  if (refusal_) return Progress::kRefused;
  return body_ ? take_body() : take_head();
}

Intake::Progress Intake::take_head() {
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
  boost::beast::http::request_parser<boost::beast::http::empty_body> parser;
  parser.header_limit(limits_.header_bytes + 1);
  parser.body_limit(boost::none);
  boost::system::error_code error;
  parser.put(asio::buffer(received_.data(), bytes), error);
  if (error || !parser.is_header_done()) return refuse(malformed());
  received_.erase(0, bytes);
  return begin_body(parser.get());
}

Intake::Progress Intake::begin_body(const BeastRequest& head) {
  if (auto refused = refuse_framing(head)) return refuse(*std::move(refused));
  auto request = to_request(head);
  if (!request) {
    return refuse(malformed("The target is no path of the host that the Host header names."));
  }
  next_ = {*std::move(request), head.version(), head.keep_alive()};
  is_waiting_for_continue_ = !next_.request.header("expect").empty() && next_.version >= 11;
  const auto length = content_length(head);
  if (length > limits_.body_bytes) return refuse(too_large());
  body_ = head.count(boost::beast::http::field::transfer_encoding) > 0
              ? Body::of_chunks(limits_.body_bytes)
              : Body::of_length(length);
  return take_body();
}

Intake::Progress Intake::take_body() {
  switch (body_->take(received_)) {
    case Body::Progress::kMore:
      return Progress::kBody;
    case Body::Progress::kDone:
      return Progress::kRequest;
    case Body::Progress::kMalformed:
      return refuse(malformed("The chunks of its body are malformed."));
    case Body::Progress::kTooLarge:
      return refuse(too_large());
  }
  return refuse(malformed());
}

bool Intake::must_say_continue() {
  return std::exchange(is_waiting_for_continue_, false) && received_.empty();
}

Intake::Received Intake::release() {
  next_.request.body = body_->release();
  body_.reset();
  if (received_.empty()) received_.shrink_to_fit();
  return std::exchange(next_, {});
}

Response Intake::refusal() { return std::move(*refusal_); }

Intake::Progress Intake::refuse(Response response) {
  refusal_ = std::move(response);
  return Progress::kRefused;
}

}  // namespace lakehouse::worker::http
