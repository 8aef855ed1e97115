// SPDX-License-Identifier: PostgreSQL
// HTML by concatenation: three small pages. Everything variable goes through escape_html().
#include "worker/oauth/page.hpp"

#include <algorithm>

#include "worker/http/html.hpp"
#include "worker/oauth/redirect_uri.hpp"
#include "worker/oauth/scope.hpp"

namespace lakehouse::worker::oauth {
namespace {

using http::escape_html;

constexpr std::string_view kStyle = R"(:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;
--paper:#fff;--ground:#f3f5f8;--line:#868e99;--accent:#0b57d0;--on-accent:#fff;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#a9b1bc;--paper:#1b2027;--ground:#11151a;
--line:#77818f;--accent:#8ab4f8;--on-accent:#0b1a33;--bad:#ffb4ab}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;justify-content:center;align-items:flex-start;
padding:8vh 1rem;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:27rem;padding:2rem;background:var(--paper);border-radius:.75rem;
box-shadow:0 1px 3px #0003}
h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.3}
p{margin:0 0 1rem}
.soft{color:var(--soft)}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input{width:100%;padding:.6rem .7rem;font:inherit;color:inherit;background:transparent;
border:1px solid var(--line);border-radius:.4rem}
button{width:100%;margin-top:1.25rem;padding:.65rem;font:inherit;font-weight:600;cursor:pointer;
border:1px solid var(--accent);border-radius:.4rem;background:var(--accent);color:var(--on-accent)}
button.plain{margin-top:.75rem;background:transparent;color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.error{padding:.75rem 1rem;border:1px solid var(--bad);border-radius:.4rem;color:var(--bad)}
dl{margin:0 0 1rem}dt{color:var(--soft)}dd{margin:0 0 .5rem;font-weight:600;overflow-wrap:anywhere}
ul{margin:0 0 1rem;padding-left:1.25rem}li{margin:.25rem 0}
)";

// Forms may also lead where the user is sent afterwards: browsers apply form-action to redirects.
std::string policy(std::string_view form_targets) {
  return "default-src 'none'; style-src 'self'; form-action " + std::string(form_targets) +
         "; frame-ancestors 'none'; base-uri 'none'";
}

http::Response page(int status, std::string_view title, std::string_view content,
                    std::string_view form_targets) {
  http::Response response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  // Same-origin, not none: without a referrer browsers hide the Origin of a form as well.
  response.headers = {{"Content-Security-Policy", policy(form_targets)},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "same-origin"},
                      {"Cache-Control", "no-store"}};
  response.body =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      escape_html(title) +
      "</title>\n<link rel=\"stylesheet\" href=\"/oauth/style.css\">\n</head>\n<body>\n<main>\n"
      "<h1>" +
      escape_html(title) + "</h1>\n" + std::string(content) + "</main>\n</body>\n</html>\n";
  return response;
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + std::string(name) + "\" value=\"" + escape_html(value) +
         "\">\n";
}

struct Field {
  std::string_view name, label, type, autocomplete, value;
};

std::string field(const Field& field, bool is_invalid) {
  const std::string name(field.name);
  std::string html = "<label for=\"" + name + "\">" + std::string(field.label) +
                     "</label>\n<input id=\"" + name + "\" name=\"" + name + "\" type=\"" +
                     std::string(field.type) + "\" autocomplete=\"" +
                     std::string(field.autocomplete) + "\" required";
  if (!field.value.empty()) html += " value=\"" + escape_html(field.value) + "\"";
  if (is_invalid) html += " aria-invalid=\"true\" aria-describedby=\"error\"";
  return html + ">\n";
}

// Of the client, only its own words are known; the host is where the user really goes.
std::string who_asks(const SignIn& sign_in) {
  std::string html = "<dl>\n<dt>Application</dt><dd>" + escape_html(sign_in.client_name) +
                     "</dd>\n<dt>You will be sent to</dt><dd>" +
                     escape_html(shown_target(sign_in.redirect_uri)) + "</dd>\n";
  if (sign_in.is_document) {
    html += "<dt>It calls itself</dt><dd>" + escape_html(sign_in.client_id) + "</dd>\n";
  }
  return html + "</dl>\n";
}

std::string scope_list(const std::vector<std::string>& scopes) {
  std::string html = "<ul>\n";
  for (const ScopeFacts& facts : all_scopes()) {
    if (std::ranges::find(scopes, facts.name) == scopes.end()) continue;
    html += "<li>" + escape_html(facts.words) + "</li>\n";
  }
  return html + "</ul>\n";
}

std::string sign_in_form(const SignIn& sign_in, const SignInPage& page) {
  const bool is_invalid = !page.error.empty();
  std::string html =
      "<form method=\"post\" action=\"/oauth/sign-in\">\n" + hidden("request", page.handle);
  if (sign_in.tenant.empty()) {
    html += field({"workspace", "Workspace", "text", "organization", page.tenant}, is_invalid);
  }
  html += field({"email", "E-mail address", "email", "username", page.email}, is_invalid);
  html += field({"password", "Password", "password", "current-password", ""}, is_invalid);
  return html + "<button type=\"submit\">Sign in</button>\n</form>\n";
}

std::string refusal_form(std::string_view handle) {
  return "<form method=\"post\" action=\"/oauth/consent\">\n" + hidden("request", handle) +
         "<button class=\"plain\" type=\"submit\" name=\"decision\" "
         "value=\"deny\">Cancel</button>\n"
         "</form>\n";
}

// Where a refusal or a consent leads: the redirect, and wherever an https site leads on.
std::string return_targets(const SignIn& sign_in) {
  return "'self' https: " + source_of(sign_in.redirect_uri);
}

}  // namespace

http::Response sign_in_page(int status, const SignIn& sign_in, const SignInPage& typed) {
  std::string content;
  if (!typed.error.empty()) {
    content +=
        "<p class=\"error\" id=\"error\" role=\"alert\">" + escape_html(typed.error) + "</p>\n";
  }
  content += "<p>An application asks to use the CRM as you.</p>\n" + who_asks(sign_in);
  if (!sign_in.tenant.empty()) {
    content += "<p class=\"soft\">Workspace: " + escape_html(sign_in.tenant) + "</p>\n";
  }
  content += sign_in_form(sign_in, typed) + refusal_form(typed.handle);
  return page(status, "Sign in", content, return_targets(sign_in));
}

http::Response consent_page(const SignIn& sign_in, std::string_view handle) {
  std::string content = who_asks(sign_in);
  content += "<p>It would be allowed to:</p>\n" + scope_list(sign_in.scopes);
  content += "<p class=\"soft\">You are signed in as " + escape_html(sign_in.email) +
             " in workspace " + escape_html(sign_in.tenant) +
             ". It sees and changes only what you may. Cancel if you did not start this.</p>\n";
  content += "<form method=\"post\" action=\"/oauth/consent\">\n" + hidden("request", handle) +
             "<button type=\"submit\" name=\"decision\" value=\"allow\">Allow</button>\n"
             "<button class=\"plain\" type=\"submit\" name=\"decision\" value=\"deny\">Cancel"
             "</button>\n</form>\n";
  return page(200, "Allow " + sign_in.client_name + " to use the CRM as you?", content,
              return_targets(sign_in));
}

http::Response error_page(int status, std::string_view title, std::string_view text) {
  return page(status, title, "<p>" + escape_html(text) + "</p>\n", "'none'");
}

http::Response expired_page() {
  return error_page(400, "Start again",
                    "This page is too old, or was opened in another browser. Go back to the "
                    "application and start again.");
}

http::Response style_sheet() {
  http::Response response;
  response.content_type = "text/css; charset=utf-8";
  response.headers = {{"Cache-Control", "public, max-age=3600"}};
  response.body = kStyle;
  return response;
}

}  // namespace lakehouse::worker::oauth
