// SPDX-License-Identifier: PostgreSQL
// Canonical request, string to sign, signing key, signature: in the words of AWS's documentation.
#include "core/s3/signature.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <optional>

namespace lakehouse::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDateLength = 8;  // of a timestamp: "20130524"
constexpr std::chrono::seconds kLongestLifetime = std::chrono::days(7);  // AWS takes no more

using Digest = std::array<unsigned char, 32>;

Error no_digest() { return {ErrorCode::kInternal, "could not sign a request", "", ""}; }

std::string to_hex(const Digest& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kHex[byte >> 4U];
    hex += kHex[byte & 0xFU];
  }
  return hex;
}

// A key on the way to the signing key; wiped when it dies.
class Key {
 public:
  explicit Key(std::string_view first) : bytes_(std::string(first)) {}

  bool derive(std::string_view message) {
    auto digest = tag_of(message);
    if (!digest) return false;
    bytes_ = Secret(std::string(reinterpret_cast<const char*>(digest->data()), digest->size()));
    OPENSSL_cleanse(digest->data(), digest->size());
    return true;
  }
  std::optional<Digest> tag_of(std::string_view message) const {
    Digest digest{};
    unsigned size = 0;
    const std::string_view key = bytes_.reveal();
    const unsigned char* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                     reinterpret_cast<const unsigned char*>(message.data()),
                                     message.size(), digest.data(), &size);
    if (made == nullptr || size != digest.size()) return std::nullopt;
    return digest;
  }

 private:
  Secret bytes_;
};

std::optional<Key> signing_key(const Secret& secret, std::string_view date, const Scope& scope) {
  std::string first = "AWS4";
  first += secret.reveal();
  Key key(first);
  Secret::wipe(first);
  for (const std::string_view part :
       {date, std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    if (!key.derive(part)) return std::nullopt;
  }
  return key;
}

std::string to_lower(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

// Without blanks at its ends, and runs of blanks within made one.
std::string trim(std::string_view value) {
  std::string trimmed;
  for (const char letter : value) {
    const bool is_blank = letter == ' ' || letter == '\t';
    if (!is_blank) {
      trimmed += letter;
    } else if (!trimmed.empty() && trimmed.back() != ' ') {
      trimmed += ' ';
    }
  }
  if (trimmed.ends_with(' ')) trimmed.pop_back();
  return trimmed;
}

std::vector<http::Header> canonical_headers(const std::vector<http::Header>& headers) {
  std::vector<http::Header> sorted;
  for (const http::Header& one : headers) sorted.push_back({to_lower(one.name), trim(one.value)});
  std::ranges::stable_sort(sorted, {}, &http::Header::name);
  return sorted;
}

std::string names_of(const std::vector<http::Header>& headers) {
  std::string names;
  for (const http::Header& one : headers) names.append(names.empty() ? "" : ";").append(one.name);
  return names;
}

std::string canonical_request(const Canonical& request) {
  const auto headers = canonical_headers(request.headers);
  std::string text = request.method + '\n' + request.path + '\n' + encode_query(request.query);
  text += '\n';
  for (const http::Header& one : headers) text += one.name + ':' + one.value + '\n';
  return text + '\n' + names_of(headers) + '\n' + request.payload_hash;
}

std::string scope_text(std::string_view date, const Scope& scope) {
  return std::string(date) + '/' + scope.region + '/' + scope.service + "/aws4_request";
}

Result<std::string> signature_of(const Canonical& request, const Credentials& credentials,
                                 const Scope& scope, const std::string& timestamp) {
  const std::string date = timestamp.substr(0, kDateLength);
  const std::string to_sign = std::string(kAlgorithm) + '\n' + timestamp + '\n' +
                              scope_text(date, scope) + '\n' + hash_of(canonical_request(request));
  const auto key = signing_key(credentials.secret_access_key, date, scope);
  if (!key) return no_digest();
  const auto digest = key->tag_of(to_sign);
  if (!digest) return no_digest();
  return to_hex(*digest);
}

}  // namespace

std::string to_timestamp(Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return {text, size};
}

std::string hash_of(std::string_view payload) {
  Digest digest{};
  EVP_Digest(payload.data(), payload.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return to_hex(digest);
}

Result<std::string> authorization(const Canonical& request, const Credentials& credentials,
                                  const Scope& scope, Time at) {
  const std::string timestamp = to_timestamp(at);
  auto signature = signature_of(request, credentials, scope, timestamp);
  if (!signature) return signature;
  const std::string date = timestamp.substr(0, kDateLength);
  return std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + '/' +
         scope_text(date, scope) +
         ", SignedHeaders=" + names_of(canonical_headers(request.headers)) +
         ", Signature=" + *signature;
}

Result<std::string> signed_query(Canonical request, const Credentials& credentials,
                                 const Scope& scope, Time at, std::chrono::seconds lifetime) {
  if (lifetime < std::chrono::seconds(1) || lifetime > kLongestLifetime) {
    return Error{ErrorCode::kInvalidArgument, "a URL can't be signed for this long",
                 "It is good for one second to seven days.", ""};
  }
  const std::string timestamp = to_timestamp(at);
  const std::string date = timestamp.substr(0, kDateLength);
  auto& query = request.query;
  query.push_back({"X-Amz-Algorithm", std::string(kAlgorithm)});
  query.push_back({"X-Amz-Credential", credentials.access_key_id + '/' + scope_text(date, scope)});
  query.push_back({"X-Amz-Date", timestamp});
  query.push_back({"X-Amz-Expires", std::to_string(lifetime.count())});
  query.push_back({"X-Amz-SignedHeaders", names_of(canonical_headers(request.headers))});
  if (!credentials.session_token.is_empty()) {
    query.push_back({"X-Amz-Security-Token", std::string(credentials.session_token.reveal())});
  }
  auto signature = signature_of(request, credentials, scope, timestamp);
  if (!signature) return signature;
  return encode_query(query) + "&X-Amz-Signature=" + *signature;
}

}  // namespace lakehouse::s3
