// SPDX-License-Identifier: PostgreSQL
// Base64 (RFC 4648): with padding (section 4), and for URLs without (section 5). Reads strictly:
// bytes have one encoding, and every other text is none. No copy of the text is left behind.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace lakehouse {

inline constexpr std::string_view kBase64urlDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::size_t base64url_size(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

std::string to_base64(std::string_view bytes);
std::string to_base64url(std::string_view bytes);
// The same into base64url_size() characters at `out`, for where no memory may be taken.
void write_base64url(std::string_view bytes, char* out) noexcept;

std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace lakehouse
