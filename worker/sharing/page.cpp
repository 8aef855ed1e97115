// SPDX-License-Identifier: PostgreSQL
// Fixed text alone.
#include "worker/sharing/page.hpp"

#include <string>
#include <string_view>

namespace lakehouse::worker::sharing {
namespace {

http::Response page(int status, std::string_view title, std::string_view content) {
  http::Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  // Same-origin, not none: without a referrer browsers hide the Origin of a form as well.
  response.headers = {{"Content-Security-Policy",
                       "default-src 'none'; style-src 'self'; form-action 'self'; "
                       "frame-ancestors 'none'; base-uri 'none'"},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "same-origin"},
                      {"X-Robots-Tag", "noindex"},
                      {"Cache-Control", "no-store"}};
  response.body =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      std::string(title) +
      "</title>\n<link rel=\"stylesheet\" href=\"../style.css\">\n</head>\n<body>\n<main>\n<h1>" +
      std::string(title) + "</h1>\n" + std::string(content) + "</main>\n</body>\n</html>\n";
  return response;
}

}  // namespace

http::Response activation_page() {
  return page(200, "Your profile for shared data",
              "<p>This link hands out one file, once. It holds the secret that reads the data "
              "shared with you: keep it as you keep a password.</p>\n"
              "<p class=\"soft\">Programs that speak Delta Sharing (Spark, Databricks, Power BI, "
              "pandas) open the data with it.</p>\n"
              "<form method=\"post\">\n<button type=\"submit\">Download the profile</button>\n"
              "</form>\n");
}

http::Response dead_link_page() {
  return page(404, "This link is not good any more",
              "<p>It was used, is too old, or was never one. Ask whoever sent it for another.</p>\n"
              "<p class=\"soft\">If you did not use it yourself, say so: somebody else may have "
              "your profile.</p>\n");
}

}  // namespace lakehouse::worker::sharing
