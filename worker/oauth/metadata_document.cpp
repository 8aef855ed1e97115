// SPDX-License-Identifier: PostgreSQL
// A document that names a member twice is refused: readers would differ in which one counts.
#include "worker/oauth/metadata_document.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/scope_exit.hpp"
#include "worker/config/public_url.hpp"
#include "worker/http/percent.hpp"
#include "worker/json/value.hpp"
#include "worker/oauth/client_metadata.hpp"
#include "worker/oauth/scope.hpp"

namespace lakehouse::worker::oauth {
namespace {

using namespace std::chrono_literals;

constexpr auto kFetchTime = 5s;
constexpr std::size_t kMostBytes = 16U << 10U;
constexpr std::size_t kLongestId = 500;
constexpr auto kShortestKept = 0s, kUsuallyKept = 300s, kLongestKept = 86'400s;

Error unusable(std::string detail) {
  return {ErrorCode::kInvalidResponse, "client metadata document can't be used", std::move(detail),
          ""};
}

std::string text_of(const json::Value& document, std::string_view key) {
  return std::string(document.string(key).value_or(""));
}

}  // namespace

bool is_document_id(std::string_view id) {
  const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (id.size() > kLongestId || !std::ranges::all_of(id, is_printable)) return false;
  if (id.find_first_of("#@\\\"<>") != std::string_view::npos) return false;
  const std::size_t authority = id.starts_with("https://") ? 8 : id.starts_with("http://") ? 7 : 0;
  if (authority == 0) return false;
  const std::size_t slash = id.find_first_of("/?", authority);
  if (slash == std::string_view::npos || id[slash] == '?') return false;
  if (!config::parse_host(id.substr(authority, slash - authority))) return false;
  const std::string_view path = id.substr(slash, id.find('?', slash) - slash);
  const auto decoded = http::percent_decode(path, http::Plus::kIsPlus);
  if (!decoded || *decoded == "/") return false;
  const std::string bounded = *decoded + "/";
  return bounded.find("/../") == std::string::npos && bounded.find("/./") == std::string::npos;
}

Result<Client> parse_document(std::string_view client_id, std::string_view body) {
  const auto parsed = json::parse(body);
  if (!parsed || !parsed->is(json::Value::Kind::kObject)) {
    return unusable("It is not a JSON object.");
  }
  const json::Value& document = *parsed;
  if (text_of(document, "client_id") != client_id) {
    return unusable("Its client_id is not the URL it was fetched from.");
  }
  const std::string method = text_of(document, "token_endpoint_auth_method");
  if (!method.empty() && method != "none") {
    return unusable("Its token_endpoint_auth_method is not none.");
  }
  auto redirects = redirects_of(document);
  if (!redirects) {
    return unusable("It has no redirect_uris, too many, or one neither https nor loopback.");
  }
  Client client;
  client.id = client_id;
  client.redirect_uris = *std::move(redirects);
  client.name = shown_name(document, client_id);
  client.scopes = scope_names();
  client.is_document = true;
  return client;
}

std::chrono::seconds freshness(std::string_view cache_control) {
  if (cache_control.find("no-store") != std::string_view::npos ||
      cache_control.find("no-cache") != std::string_view::npos) {
    return kShortestKept;
  }
  const std::size_t at = cache_control.find("max-age=");
  if (at == std::string_view::npos) return kUsuallyKept;
  const std::string_view digits = cache_control.substr(at + 8);
  std::int64_t seconds = 0;
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (problem == std::errc::result_out_of_range) return kLongestKept;
  if (problem != std::errc()) return kUsuallyKept;
  return std::clamp<std::chrono::seconds>(std::chrono::seconds(seconds), kShortestKept,
                                          kLongestKept);
}

Result<Client> MetadataDocuments::find(std::string_view client_id, const Context& context) {
  {
    const std::lock_guard lock(mutex_);
    const auto kept = kept_.find(client_id);
    if (kept != kept_.end() && kept->second.until > Clock::now()) return kept->second.client;
  }
  if (!turns_.try_acquire()) {
    return Error{ErrorCode::kUnavailable, "too many metadata documents are being fetched", "", ""};
  }
  const ScopeExit give_back([this]() noexcept { turns_.release(); });
  auto fetched = fetch(client_id, context);
  if (!fetched) return fetched.error();
  Client client = fetched->client;
  keep(*std::move(fetched));
  return client;
}

Result<MetadataDocuments::Kept> MetadataDocuments::fetch(std::string_view client_id,
                                                         const Context& context) {
  lakehouse::http::Request request;
  request.url = client_id;
  request.headers = {{"Accept", "application/json"}};
  request.max_body_bytes = kMostBytes;
  const Context bounded{context.deadline.sooner(Deadline::in(kFetchTime)), context.stop,
                        context.request_id};
  auto answer = client_.send(std::move(request), bounded);
  if (!answer) return answer.error();
  if (answer->status != 200) return unusable("Its server did not answer with status 200.");
  const std::string_view type = answer->header("content-type").value_or("");
  if (!type.starts_with("application/") || type.find("json") == std::string_view::npos) {
    return unusable("It is not served as JSON.");
  }
  const auto kept_for = freshness(answer->header("cache-control").value_or(""));
  auto client = parse_document(client_id, answer->body);
  if (!client) return client.error();
  return Kept{*std::move(client), Clock::now() + kept_for};
}

void MetadataDocuments::keep(Kept fetched) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [](const auto& entry) { return entry.second.until <= Clock::now(); });
  if (kept_.size() >= kMostKept) kept_.erase(kept_.begin());
  kept_.insert_or_assign(fetched.client.id, std::move(fetched));
}

}  // namespace lakehouse::worker::oauth
