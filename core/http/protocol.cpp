// SPDX-License-Identifier: PostgreSQL
// Asks the library that is loaded: it may be newer than the headers.
#include "core/http/protocol.hpp"

#include <curl/curl.h>

namespace lakehouse::http {

unsigned loaded_curl_version() noexcept { return curl_version_info(CURLVERSION_NOW)->version_num; }

long protocol_for(bool may_be_sent_twice) noexcept {
  static const bool is_sound = has_sound_http2(loaded_curl_version());
  return is_sound && may_be_sent_twice ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
}

}  // namespace lakehouse::http
