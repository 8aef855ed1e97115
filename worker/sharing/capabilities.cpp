// SPDX-License-Identifier: PostgreSQL
// name=value,value;name=value
#include "worker/sharing/capabilities.hpp"

#include <algorithm>
#include <optional>

namespace lakehouse::worker::sharing {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::erase(result, ' ');
  return result;
}

// The text up to `end`; `rest` keeps what follows it.
std::string_view take(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

bool has_value(std::string_view values, std::string_view wanted) {
  while (!values.empty()) {
    if (take(values, ',') == wanted) return true;
  }
  return false;
}

std::optional<Format> choose_format(std::string_view formats) {
  if (has_value(formats, "parquet") || has_value(formats, "both")) return Format::kParquet;
  if (has_value(formats, "delta")) return Format::kDelta;
  return std::nullopt;
}

bool is_there(const http::Request& request, std::string_view name) {
  return std::ranges::count(request.headers, name, &http::Header::name) > 0;
}

}  // namespace

std::string Capabilities::granted() const {
  std::string value =
      format == Format::kParquet ? "responseformat=parquet" : "responseformat=delta";
  if (has_end_of_stream) value += ";includeendstreamaction=true";
  return value;
}

Or<Capabilities> read_capabilities(const http::Request& request) {
  Capabilities capabilities;
  const std::string header = lower(request.header("delta-sharing-capabilities"));
  for (std::string_view rest = header; !rest.empty();) {
    std::string_view values = take(rest, ';');
    const std::string_view name = take(values, '=');
    if (name == "includeendstreamaction") capabilities.has_end_of_stream = values == "true";
    if (name != "responseformat") continue;
    const auto format = choose_format(values);
    if (!format) return invalid_value("responseformat is parquet or delta");
    capabilities.format = *format;
  }
  capabilities.id_hash = capabilities.format == Format::kParquet ? IdHash::kMd5 : IdHash::kSha256;
  if (!is_there(request, "fileidhash")) return capabilities;
  const std::string hash = lower(request.header("fileidhash"));
  if (hash != "parquet" && hash != "delta") return invalid_value("fileidhash is parquet or delta");
  capabilities.is_id_hash_asked = true;
  capabilities.id_hash = hash == "parquet" ? IdHash::kMd5 : IdHash::kSha256;
  return capabilities;
}

}  // namespace lakehouse::worker::sharing
