// SPDX-License-Identifier: PostgreSQL
// Which HTTP a request is sent with: HTTP/2 where the server offers it and two reasons against it
// are absent. Both were measured; core/http/README.md has the figures.
#pragma once

namespace lakehouse::http {

// Older versions now and then leave a request on a shared connection without its reply.
constexpr bool has_sound_http2(unsigned curl_version) noexcept { return curl_version >= 0x081000; }

// Of the libcurl that is loaded, in the form of curl_version_info().
unsigned loaded_curl_version() noexcept;

// A value of CURLOPT_HTTP_VERSION. A server that winds up an HTTP/2 connection refuses what is
// already on its way; curl sends that anew, and can't tell us that the server surely did nothing.
long protocol_for(bool may_be_sent_twice) noexcept;

}  // namespace lakehouse::http
