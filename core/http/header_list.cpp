// SPDX-License-Identifier: PostgreSQL
// Checks and builds header lines.
#include "core/http/header_list.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "core/base/base64.hpp"

namespace lakehouse::http {
namespace {

// Ours to set: a caller's value would break the framing or the connection.
constexpr std::array kTransportHeaders = {"host",       "content-length", "transfer-encoding",
                                          "connection", "expect",         "upgrade",
                                          "te",         "trailer"};

// RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [kMarks](char letter) {
    const bool is_alphanumeric = (letter >= 'a' && letter <= 'z') ||
                                 (letter >= 'A' && letter <= 'Z') ||
                                 (letter >= '0' && letter <= '9');
    return is_alphanumeric || kMarks.find(letter) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char letter) {
    return (letter < ' ' && letter != '\t') || letter == 0x7F;
  });
}

bool is_transport_header(const std::string& name) {
  return std::any_of(kTransportHeaders.begin(), kTransportHeaders.end(),
                     [&name](const char* ours) { return strcasecmp(ours, name.c_str()) == 0; });
}

}  // namespace

Status check_headers(const Request& request) {
  for (const Header& header : request.headers) {
    if (!is_token(header.name) || !is_field_value(header.value)) {
      return Error{ErrorCode::kInvalidArgument, "malformed request header", "", ""};
    }
    if (is_transport_header(header.name)) {
      return Error{ErrorCode::kInvalidArgument,
                   "request header \"" + header.name + "\" can't be set", "", ""};
    }
  }
  const bool has_sound_credentials =
      !(request.bearer && request.basic) &&
      (!request.bearer ||
       (!request.bearer->is_empty() && is_field_value(request.bearer->reveal())));
  if (has_sound_credentials) return kDone;
  return Error{ErrorCode::kInvalidArgument, "malformed credentials", "",
               "Store the secret again, without line breaks."};
}

HeaderList::HeaderList(const Request& request) {
  bool has_content_type = false;
  for (const Header& header : request.headers) {
    // curl's way to send a header without a value.
    const std::string end = header.value.empty() ? ";" : ": " + header.value;
    add_secret(header.name, end);
    has_content_type = has_content_type || strcasecmp(header.name.c_str(), "content-type") == 0;
  }
  add("Expect:");                               // no waiting for "100 Continue"
  if (!has_content_type) add("Content-Type:");  // not the form type that curl assumes
  if (request.bearer) add_secret("Authorization: Bearer ", request.bearer->reveal());
  if (request.basic) {
    const Secret encoded(to_base64(request.basic->reveal()));
    add_secret("Authorization: Basic ", encoded.reveal());
  }
}

void HeaderList::add(const char* line) {
  curl_slist* const longer = curl_slist_append(lines_.get(), line);  // copies the line
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(lines_.release());
  lines_.reset(longer);
}

void HeaderList::add_secret(std::string_view before, std::string_view secret) {
  std::string line;
  line.reserve(before.size() + secret.size());
  line.append(before).append(secret);
  const Secret wiped(std::move(line));
  add(wiped.reveal().data());  // a view of a whole std::string ends with a zero byte
}

void HeaderList::Wipe::operator()(curl_slist* lines) const noexcept {
  for (curl_slist* line = lines; line != nullptr; line = line->next) {
    explicit_bzero(line->data, std::strlen(line->data));
  }
  curl_slist_free_all(lines);
}

}  // namespace lakehouse::http
