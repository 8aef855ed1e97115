// SPDX-License-Identifier: PostgreSQL
// The parts of the client's interface that need no thread of their own.
#include "core/http/client.hpp"

#include <curl/curl.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>

#include "core/http/head.hpp"
#include "core/http/multi_client.hpp"

namespace lakehouse::http {
namespace {

// Once per process, and never undone: other libraries of the process may use curl too.
bool initialise_curl() {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return is_ready;
}

bool is_sound(const ClientOptions& options) {
  using std::chrono::milliseconds;
  const auto is_span = [](milliseconds span) {
    return span > milliseconds(0) && span <= std::chrono::hours(24);
  };
  return is_span(options.connect_timeout) && is_span(options.idle_timeout) &&
         is_span(options.first_backoff) && is_span(options.max_backoff) &&
         options.max_attempts >= 1 && options.max_connections_per_host >= 1;
}

}  // namespace

std::optional<std::string_view> Response::header(std::string_view name) const {
  return find_header(headers, name);
}

Result<std::unique_ptr<Client>> Client::create(ClientOptions options) {
  if (!is_sound(options)) {
    return Error{ErrorCode::kInvalidArgument, "invalid options of the HTTP client", "", ""};
  }
  if (!initialise_curl()) {
    return Error{ErrorCode::kInternal, "could not initialise the HTTP library", "", ""};
  }
  auto policy = UrlPolicy::create(options.allowed_private_hosts);
  if (!policy) return std::move(policy).error();
  auto trust_store = TrustStore::create(options.ca_file);
  if (!trust_store) return std::move(trust_store).error();
  try {
    return std::unique_ptr<Client>(std::make_unique<MultiClient>(
        std::move(options), std::move(*policy), std::move(*trust_store)));
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "out of memory", "", ""};
  } catch (const std::system_error&) {
    return Error{ErrorCode::kOutOfMemory, "could not start a thread", "", ""};
  }
}

Result<Response> Client::send(Request request, const Context& context) {
  std::mutex mutex;
  std::condition_variable is_done;
  std::optional<Result<Response>> answer;
  start(std::move(request), context, [&](Result<Response> result) {
    const std::lock_guard lock(mutex);
    answer.emplace(std::move(result));
    is_done.notify_one();  // under the lock: after it these variables may be gone
  });
  std::unique_lock lock(mutex);
  is_done.wait(lock, [&answer] { return answer.has_value(); });
  return std::move(*answer);
}

}  // namespace lakehouse::http
