// SPDX-License-Identifier: PostgreSQL
// Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): a client whose id is
// the https URL of its own description. Fetched by core/http: public addresses alone, checked after
// the name was resolved; no redirect is followed; size and time are bounded.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/http/client.hpp"
#include "worker/oauth/client.hpp"

namespace lakehouse::worker::oauth {

// A URL of printable ASCII with a host, and a path that isn't /; no user info, no fragment, no dot
// segment.
bool is_document_id(std::string_view client_id);

// Errors: kInvalidResponse, saying what is wrong with the document.
Result<Client> parse_document(std::string_view client_id, std::string_view body);

// How long an answer may be kept, by its Cache-Control.
std::chrono::seconds freshness(std::string_view cache_control);

class MetadataDocuments {
 public:
  explicit MetadataDocuments(lakehouse::http::Client& client) : client_(client) {}

  // Errors: those of core/http, kInvalidResponse, kUnavailable (too many fetches at once).
  Result<Client> find(std::string_view client_id, const Context& context);

 private:
  using Clock = std::chrono::steady_clock;
  struct Kept {
    Client client;
    Clock::time_point until;
  };
  Result<Kept> fetch(std::string_view client_id, const Context& context);
  void keep(Kept fetched);

  // A fetch holds a handler thread, so visitors must not be able to start many.
  static constexpr std::ptrdiff_t kMostFetches = 2;
  static constexpr std::size_t kMostKept = 256;

  lakehouse::http::Client& client_;
  std::counting_semaphore<kMostFetches> turns_{kMostFetches};
  std::mutex mutex_;
  std::map<std::string, Kept, std::less<>> kept_;
};

}  // namespace lakehouse::worker::oauth
