// SPDX-License-Identifier: PostgreSQL
// The five characters that mean something to HTML.
#include "worker/http/html.hpp"

#include "worker/json/text.hpp"

namespace lakehouse::worker::http {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : json::well_formed(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace lakehouse::worker::http
