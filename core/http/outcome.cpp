// SPDX-License-Identifier: PostgreSQL
// The table from curl's codes to ours, and the rules of repetition.
#include "core/http/outcome.hpp"

namespace lakehouse::http {
namespace {

std::string sentence(const std::string& text) {
  if (text.empty()) return text;
  return text.ends_with('.') ? text : text + ".";
}

Error untrusted(const std::string& host, const std::string& curl_text) {
  return {ErrorCode::kUnreachable, "could not verify the TLS certificate of \"" + host + "\"",
          sentence(curl_text),
          "If the certificate comes from a private authority, add its root to the file that "
          "ca_file names."};
}

Error unreachable(const std::string& host, const std::string& curl_text) {
  return {ErrorCode::kUnreachable, "could not connect to \"" + host + "\"", sentence(curl_text),
          "Check the address, and that the network lets this machine reach it."};
}

Error lost(const std::string& host, CURLcode code) {
  // curl's own words for the abort are about our callback, not about the network.
  const std::string cause = code == CURLE_ABORTED_BY_CALLBACK
                                ? "It broke after the request was sent."
                                : sentence(curl_easy_strerror(code));
  return {ErrorCode::kUnreachable, "connection to \"" + host + "\" was lost", cause,
          "Run it again; if it fails again, check the network."};
}

Error invalid(const std::string& host, CURLcode code) {
  return {ErrorCode::kInvalidResponse, "invalid HTTP response from \"" + host + "\"",
          sentence(curl_easy_strerror(code)),
          "Check the address, and whether a proxy stands in between."};
}

}  // namespace

Outcome explain_failure(CURLcode code, Progress progress, const std::string& host,
                        const std::string& curl_text) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return {untrusted(host, curl_text), Repeat::kPointless};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OPERATION_TIMEDOUT:  // curl times the connecting only
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_ABORTED_BY_CALLBACK:  // see Transfer::on_request
      // Also a failure to connect may come after a request was sent: curl reconnects when a reused
      // connection breaks.
      if (progress == Progress::kSent) return {lost(host, code), Repeat::kRisky};
      return {unreachable(host, curl_text), Repeat::kHarmless};
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // a reply without a status line is HTTP/0.9 to curl
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:  // a broken content coding; our own refusals are told apart before
      return {invalid(host, code), Repeat::kPointless};
    case CURLE_OUT_OF_MEMORY:
      return {Error{ErrorCode::kOutOfMemory, "out of memory", "", ""}, Repeat::kPointless};
    default:
      return {Error{ErrorCode::kInternal, "could not request from \"" + host + "\"",
                    sentence(curl_easy_strerror(code)), ""},
              Repeat::kPointless};
  }
}

Repeat repeat_after_status(int status) noexcept {
  switch (status) {
    case 429:
    case 503:
      return Repeat::kHarmless;
    case 500:
    case 502:
    case 504:
      return Repeat::kRisky;
    default:
      return Repeat::kPointless;
  }
}

bool may_repeat(Retry allowed, Repeat repeat) noexcept {
  switch (repeat) {
    case Repeat::kHarmless:
      return allowed != Retry::kNever;
    case Repeat::kRisky:
      return allowed == Retry::kIdempotent;
    case Repeat::kPointless:
      return false;
  }
  return false;
}

}  // namespace lakehouse::http
