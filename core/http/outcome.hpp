// SPDX-License-Identifier: PostgreSQL
// What one attempt at a request came to, and whether another may be made.
#pragma once

#include <curl/curl.h>

#include <string>

#include "core/http/client.hpp"

namespace lakehouse::http {

enum class Repeat : std::uint8_t {
  kPointless,  // the next attempt would end alike
  kHarmless,   // the server surely did nothing
  kRisky,      // the server may have acted: only for idempotent requests
};

struct Outcome {
  Result<Response> result;
  Repeat repeat = Repeat::kPointless;
};

// How far an attempt came before it failed.
enum class Progress : std::uint8_t {
  kQueued,      // not begun
  kConnecting,  // resolving, connecting, TLS
  kSent,        // the request, or a part of it
};

// An attempt that curl gave up. `curl_text` is curl's own explanation, which names hosts only.
Outcome explain_failure(CURLcode code, Progress progress, const std::string& host,
                        const std::string& curl_text);

Repeat repeat_after_status(int status) noexcept;

bool may_repeat(Retry allowed, Repeat repeat) noexcept;

}  // namespace lakehouse::http
