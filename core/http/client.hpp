// SPDX-License-Identifier: PostgreSQL
// The HTTP client: one libcurl multi handle on a thread of its own, shared by the whole process.
// Promises: TLS is always verified; http and https only; every call has a deadline and can be
// stopped; bodies, headers and redirects are bounded; a secret header never follows to another
// origin. It knows nothing of warehouses; nothing else in the project includes curl.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"

namespace lakehouse::http {

enum class Method : std::uint8_t { kGet, kPut, kPost, kDelete };

constexpr bool has_body(Method method) noexcept {
  return method == Method::kPut || method == Method::kPost;
}

// When a failed attempt may be made again (always within the deadline, with full jitter, honouring
// Retry-After).
enum class Retry : std::uint8_t {
  kNever,
  kRefused,     // only if the server surely did nothing: no connection, 429, 503. For a POST or PUT
                // that must not run twice.
  kIdempotent,  // also after lost replies, 500, 502, 504
};

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  Method method = Method::kGet;
  std::string url;  // absolute; user info and fragments are refused
  std::vector<Header> headers;
  std::optional<Secret> bearer;  // Authorization: Bearer …; only sent to the url's own origin
  std::optional<Secret> basic;   // "user:password" for Authorization: Basic …
  std::string body;
  Retry retry = Retry::kNever;
  std::size_t max_body_bytes = 64U << 20U;  // of the response after content decoding
  int max_redirects = 0;                    // 0: a 3xx is returned as it is
};

struct Response {
  int status = 0;
  std::vector<Header> headers;  // names in lower case
  std::string body;  // its capacity exceeds its size by at least kBodyPadding bytes (simdjson)
  std::uint64_t wire_bytes = 0;  // as received, before content decoding
  int attempts = 1;

  // First value of a header; the name in lower case.
  std::optional<std::string_view> header(std::string_view name) const;
};
inline constexpr std::size_t kBodyPadding = 64;

struct ClientOptions {
  std::string user_agent = "lakehouse";
  std::string ca_file;  // extra PEM roots; empty: the system's
  // Each "host" or "host:port". These may be plain http and may resolve to a loopback, private or
  // link-local address; all others may not.
  std::vector<std::string> allowed_private_hosts;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};  // no byte for so long: kTimeout
  std::chrono::milliseconds first_backoff{200};
  std::chrono::milliseconds max_backoff{20'000};
  int max_attempts = 6;
  long max_connections_per_host = 16;
};

// Counters since the start; for /metrics.
struct ClientStats {
  std::uint64_t requests = 0, retries = 0, connections_opened = 0, bytes_received = 0;
};

class Client {
 public:
  using Callback = std::function<void(Result<Response>)>;

  // Errors: kInvalidArgument for an option out of range or an unusable ca_file; kOutOfMemory.
  static Result<std::unique_ptr<Client>> create(ClientOptions options);
  virtual ~Client() = default;  // stops the thread; calls under way end with kCancelled

  // Starts a call. `done` runs exactly once, on the client's thread (or inside start() if the
  // request is malformed): it must be quick, must not throw and must not destroy the client.
  // Errors: kInvalidArgument (malformed or forbidden url, also the target of a redirect),
  // kUnreachable, kTimeout, kCancelled, kCapExceeded (body too large), kInvalidResponse,
  // kOutOfMemory. Any HTTP status is a Response, also the last 429 or 5xx after the retries are
  // used up. A body is never short: one that breaks off is kUnreachable.
  virtual void start(Request request, Context context, Callback done) = 0;

  virtual ClientStats stats() const = 0;

  // start() and wait. Not from a callback: it would wait for itself.
  Result<Response> send(Request request, const Context& context);
};

}  // namespace lakehouse::http
