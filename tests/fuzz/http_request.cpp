// SPDX-License-Identifier: PostgreSQL
// The bytes of a connection, whole and in pieces, up to the handler. The first byte of the input is
// the length of the pieces.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/require.hpp"
#include "worker/http/access.hpp"
#include "worker/http/intake.hpp"
#include "worker/http/router.hpp"

namespace lakehouse::worker::http {
namespace {

using fuzz::require;

struct Outcome {
  std::vector<Request> requests;
  int refusal = 0;
};

Limits small_limits() {
  Limits limits;
  limits.header_bytes = 1024;
  limits.body_bytes = 256;
  return limits;
}
const Limits kLimits = small_limits();

// Everything that comes out before the intake waits for more.
void drain(Intake& intake, Outcome& outcome) {
  for (;;) {
    const auto progress = intake.advance();
    if (progress == Intake::Progress::kRefused) outcome.refusal = intake.refusal().status;
    if (progress != Intake::Progress::kRequest) return;
    outcome.requests.push_back(intake.release().request);
  }
}

Outcome read(std::string_view bytes, std::size_t piece) {
  Intake intake(kLimits);
  Outcome outcome;
  while (!bytes.empty() && outcome.refusal == 0) {
    intake.add(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    drain(intake, outcome);
  }
  return outcome;
}

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void check(const Request& request) {
  require(request.path.starts_with('/'), "a path begins with a slash");
  require(is_clean(request.path) && is_clean(request.query), "a target has no line end");
  require(request.body.size() <= kLimits.body_bytes, "a body is bounded");
  for (const Header& header : request.headers) {
    require(!header.name.empty() && is_clean(header.name), "a header has a name");
    require(is_clean(header.value), "a header has no line end");
  }
}

Response answer(const Request& request, const Context&) {
  for (std::size_t i = 0; i < request.parameters.size(); ++i) {
    const std::string& parameter = request.parameters[i];
    require(!parameter.empty() && is_clean(parameter), "a parameter is a word");
    require(parameter.find("..") != 0, "a parameter leads nowhere else");
  }
  return {};
}

void serve(Request request) {
  static const Router router({{"GET", "/things/{id}", answer},
                              {"POST", "/things/{id}/parts/{part}", answer},
                              {"GET", "/live", answer, Audience::kProbes}});
  static const Access access({*config::PublicUrl::parse("https://{org-slug}.x.test"),
                              {"https://y.test"},
                              {*config::Network::parse("10.0.0.0/8")}});
  static const Ends ends{*config::IpAddress::parse("10.0.0.1"),
                         *config::IpAddress::parse("127.0.0.1"), 80, false};
  const auto verdict = access.admit(request, ends, router);
  for (const Header& header : verdict.headers) {
    require(is_clean(header.value), "no answer's header has a line end");
  }
  if (!verdict.answer) router.answer(std::move(request), {});
}

}  // namespace
}  // namespace lakehouse::worker::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace http = lakehouse::worker::http;
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = http::read(bytes, bytes.size());
  const auto pieces = http::read(bytes, piece);
  lakehouse::fuzz::require(whole.requests.size() == pieces.requests.size(),
                           "as many requests whole as in pieces");
  lakehouse::fuzz::require(whole.refusal == pieces.refusal, "refused whole and in pieces");
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    http::check(whole.requests[i]);
    lakehouse::fuzz::require(whole.requests[i].path == pieces.requests[i].path &&
                                 whole.requests[i].body == pieces.requests[i].body,
                             "the same requests whole and in pieces");
    http::serve(whole.requests[i]);
  }
  return 0;
}
