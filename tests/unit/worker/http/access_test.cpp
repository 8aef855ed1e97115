// SPDX-License-Identifier: PostgreSQL
// Hosts, origins, preflights and proxies, without a network.
#include "worker/http/access.hpp"

#include <gmock/gmock.h>

#include "worker/http/client_address.hpp"

namespace lakehouse::worker::http {
namespace {

using config::IpAddress;
using config::Network;
using config::PublicUrl;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class AccessTest : public testing::Test {
 protected:
  Access::Verdict admit(Request& request) {
    return Access(options_).admit(request, ends_, router_);
  }
  int status(Request request) {
    const auto verdict = admit(request);
    return verdict.answer ? verdict.answer->status : 0;
  }
  // 0: the router is asked.
  int status_of_host(const std::string& host, const std::string& path = "/mcp") {
    return status(request_of(host, path));
  }
  int status_of_origin(const std::string& origin, const std::string& path = "/mcp",
                       const std::string& host = "crm.example.com") {
    Request request = request_of(host, path);
    request.headers.push_back({"origin", origin});
    return status(std::move(request));
  }
  static Request request_of(const std::string& host, const std::string& path = "/mcp") {
    Request request;
    request.method = "GET";
    request.path = path;
    request.headers.push_back({"host", host});
    return request;
  }
  static std::string value(const std::vector<Header>& headers, std::string_view name) {
    for (const Header& header : headers) {
      if (header.name == name) return header.value;
    }
    return "";
  }

  AccessOptions options_{
      *PublicUrl::parse("https://crm.example.com"), {"https://inspector.example.com"}, {}};
  Ends ends_{*IpAddress::parse("203.0.113.9"), *IpAddress::parse("192.0.2.1"), 8720, false};
  Router router_{{{"POST", "/mcp", nullptr},
                  {"GET", "/mcp", nullptr},
                  {"GET", "/.well-known/x", nullptr, Audience::kAnyone},
                  {"GET", "/live", nullptr, Audience::kProbes},
                  {"GET", "/delta-sharing/shares", nullptr, Audience::kRecipients}}};
};

TEST_F(AccessTest, is_by_the_public_host_or_the_address_connected_to) {
  EXPECT_EQ(status_of_host("crm.example.com"), 0);
  EXPECT_EQ(status_of_host("CRM.example.com:443"), 0);
  EXPECT_EQ(status_of_host("192.0.2.1:8720"), 0);
  for (const char* host : {"evil.example.com", "crm.example.com:8720", "192.0.2.1",
                           "192.0.2.2:8720", "localhost:8720", "127.0.0.1:8720", ""}) {
    EXPECT_EQ(status_of_host(host), 421) << host;
  }
}

TEST_F(AccessTest, is_by_the_names_of_loopback_on_loopback_only) {
  ends_.local = *IpAddress::parse("127.0.0.1");
  for (const char* host : {"localhost:8720", "127.0.0.1:8720", "[::1]:8720"}) {
    EXPECT_EQ(status_of_host(host), 0) << host;
  }
  EXPECT_EQ(status_of_host("localhost:8721"), 421);
  EXPECT_EQ(status_of_host("localhost.evil.com:8720"), 421);
}

TEST_F(AccessTest, refuses_a_host_that_is_none) {
  for (const char* host : {"a b", "a/b", "a@crm.example.com", "crm.example.com:x", "a,b"}) {
    EXPECT_EQ(status_of_host(host), 400) << host;
  }
}

// No name can stand for an address in the Host header, so a page can't get there by its DNS.
TEST_F(AccessTest, lets_probes_ask_by_any_address_but_by_no_other_name) {
  EXPECT_EQ(status_of_host("10.1.2.3:9999", "/live"), 0);
  EXPECT_EQ(status_of_host("[fd00::1]:8720", "/live"), 0);
  EXPECT_EQ(status_of_host("crm.example.com", "/live"), 0);
  EXPECT_EQ(status_of_host("", "/live"), 0);
  EXPECT_EQ(status_of_host("rebound.evil.com", "/live"), 421);
}

TEST_F(AccessTest, finds_the_tenant_in_the_host) {
  options_.public_url = *PublicUrl::parse("https://{org-slug}.crm.example.com");
  Request request = request_of("acme-eu.crm.example.com");
  EXPECT_FALSE(admit(request).answer);
  EXPECT_EQ(request.tenant, "acme_eu");
  EXPECT_EQ(status_of_host("crm.example.com"), 421);
  EXPECT_EQ(status_of_host("192.0.2.1:8720"), 421);
  EXPECT_EQ(status_of_host("192.0.2.1:8720", "/live"), 0);
  EXPECT_EQ(status_of_origin("https://acme.crm.example.com", "/mcp", "acme.crm.example.com"), 0);
  EXPECT_EQ(status_of_origin("https://other.crm.example.com", "/mcp", "acme.crm.example.com"), 403);
}

TEST_F(AccessTest, lets_recipients_ask_by_a_host_of_their_own) {
  options_.public_url = *PublicUrl::parse("https://{org-slug}.crm.example.com");
  options_.sharing_url = *PublicUrl::parse("https://share.example.com");
  const std::string path = "/delta-sharing/shares";
  EXPECT_EQ(status_of_host("share.example.com", path), 0);
  EXPECT_EQ(status_of_host("share.example.com", "/mcp"), 421);
  EXPECT_EQ(status_of_host("share.example.com:8443", path), 421);
  EXPECT_EQ(status_of_host("acme.crm.example.com", path), 0);
  EXPECT_EQ(status_of_origin("https://share.example.com", path, "share.example.com"), 0);
  EXPECT_EQ(status_of_origin("https://evil.example.com", path, "share.example.com"), 403);
  options_.sharing_url.reset();
  EXPECT_EQ(status_of_host("share.example.com", path), 421);
}

TEST_F(AccessTest, is_for_pages_of_our_own_and_of_listed_origins) {
  EXPECT_EQ(status_of_origin("https://crm.example.com"), 0);
  EXPECT_EQ(status_of_origin("https://inspector.example.com"), 0);
  EXPECT_EQ(status_of_origin("http://192.0.2.1:8720", "/mcp", "192.0.2.1:8720"), 0);
  for (const char* origin :
       {"null", "", "http://crm.example.com", "https://crm.example.com:8443",
        "https://crm.example.com.evil.com", "https://evil.com", "http://192.0.2.1:8720"}) {
    EXPECT_EQ(status_of_origin(origin), 403) << origin;
  }
  EXPECT_EQ(status_of_origin("https://evil.com", "/live"), 403);
  EXPECT_EQ(status_of_origin("https://evil.com", "/nothing"), 403);
}

TEST_F(AccessTest, refuses_two_origins) {
  Request request = request_of("crm.example.com");
  request.headers.push_back({"origin", "https://crm.example.com"});
  request.headers.push_back({"origin", "https://evil.com"});
  EXPECT_EQ(status(request), 403);
}

TEST_F(AccessTest, to_public_documents_is_for_pages_of_every_origin) {
  for (const char* origin : {"https://evil.com", "null"}) {
    Request request = request_of("crm.example.com", "/.well-known/x");
    request.headers.push_back({"origin", origin});
    const auto verdict = admit(request);
    EXPECT_FALSE(verdict.answer);
    EXPECT_EQ(value(verdict.headers, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(value(verdict.headers, "Access-Control-Allow-Credentials"), "");
  }
}

TEST_F(AccessTest, lets_listed_pages_read_answers_but_never_with_credentials) {
  Request request = request_of("crm.example.com");
  request.headers.push_back({"origin", "https://inspector.example.com"});
  const auto headers = admit(request).headers;
  EXPECT_EQ(value(headers, "Access-Control-Allow-Origin"), "https://inspector.example.com");
  EXPECT_THAT(value(headers, "Access-Control-Expose-Headers"), HasSubstr("WWW-Authenticate"));
  EXPECT_THAT(value(headers, "Access-Control-Expose-Headers"), HasSubstr("Mcp-Session-Id"));
  EXPECT_EQ(value(headers, "Vary"), "Origin");
  EXPECT_EQ(value(headers, "Access-Control-Allow-Credentials"), "");
}

TEST_F(AccessTest, lets_listed_pages_read_shares_in_ranges) {
  Request request = request_of("crm.example.com", "/delta-sharing/shares");
  request.headers.push_back({"origin", "https://inspector.example.com"});
  const std::string readable = value(admit(request).headers, "Access-Control-Expose-Headers");
  for (const char* name : {"Delta-Table-Version", "Delta-Sharing-Capabilities", "Content-Range",
                           "Accept-Ranges", "ETag"}) {
    EXPECT_THAT(readable, HasSubstr(name));
  }
  request.method = "OPTIONS";
  request.headers.push_back({"access-control-request-method", "GET"});
  request.headers.push_back(
      {"access-control-request-headers", "authorization, delta-sharing-capabilities, range"});
  const auto verdict = admit(request);
  ASSERT_TRUE(verdict.answer);
  EXPECT_EQ(value(verdict.answer->headers, "Access-Control-Allow-Headers"),
            "authorization, delta-sharing-capabilities, range");
}

TEST_F(AccessTest, answers_a_preflight_for_what_it_knows) {
  Request request = request_of("crm.example.com");
  request.method = "OPTIONS";
  request.headers.push_back({"origin", "https://inspector.example.com"});
  request.headers.push_back({"access-control-request-method", "POST"});
  request.headers.push_back({"access-control-request-headers",
                             "authorization,Content-Type, mcp-param-region,x-evil,mcp-param-(x)"});
  const auto verdict = admit(request);
  ASSERT_TRUE(verdict.answer);
  EXPECT_EQ(verdict.answer->status, 204);
  EXPECT_EQ(value(verdict.answer->headers, "Access-Control-Allow-Methods"),
            "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(value(verdict.answer->headers, "Access-Control-Allow-Headers"),
            "authorization, content-type, mcp-param-region");
  EXPECT_EQ(value(verdict.headers, "Access-Control-Allow-Origin"), "https://inspector.example.com");
}

TEST_F(AccessTest, leaves_preflights_of_unknown_paths_to_the_router) {
  Request request = request_of("crm.example.com", "/nothing");
  request.method = "OPTIONS";
  request.headers.push_back({"origin", "https://inspector.example.com"});
  request.headers.push_back({"access-control-request-method", "POST"});
  EXPECT_EQ(status(request), 0);
}

TEST_F(AccessTest, has_browsers_keep_to_https_where_the_public_url_does) {
  Request request = request_of("crm.example.com");
  EXPECT_THAT(value(admit(request).headers, "Strict-Transport-Security"), HasSubstr("max-age="));
  options_.public_url = *PublicUrl::parse("https://localhost:8720");
  request = request_of("localhost:8720");
  EXPECT_THAT(admit(request).headers, IsEmpty());
}

std::string client_of(const std::vector<std::string>& forwarded, const std::string& peer,
                      const std::vector<std::string>& trusted = {"10.0.0.0/8"}) {
  Request request;
  for (const std::string& value : forwarded) request.headers.push_back({"x-forwarded-for", value});
  std::vector<Network> networks;
  for (const std::string& text : trusted) networks.push_back(*Network::parse(text));
  return client_address(request, *IpAddress::parse(peer), networks).text();
}

TEST(ClientAddress, is_the_peer_unless_that_is_a_trusted_proxy) {
  EXPECT_EQ(client_of({}, "203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client_of({"198.51.100.1"}, "203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(client_of({"198.51.100.1"}, "10.0.0.1", {}), "10.0.0.1");
}

TEST(ClientAddress, is_the_last_one_that_is_not_trusted) {
  EXPECT_EQ(client_of({"198.51.100.1"}, "10.0.0.1"), "198.51.100.1");
  EXPECT_EQ(client_of({"1.1.1.1, 198.51.100.1, 10.0.0.2"}, "10.0.0.1"), "198.51.100.1");
  EXPECT_EQ(client_of({"1.1.1.1, 198.51.100.1", "10.0.0.3,10.0.0.2"}, "10.0.0.1"), "198.51.100.1");
  EXPECT_EQ(client_of({"10.0.0.3, 10.0.0.2"}, "10.0.0.1"), "10.0.0.3");
}

TEST(ClientAddress, is_read_with_ports_and_brackets) {
  EXPECT_EQ(client_of({"198.51.100.1:4711"}, "10.0.0.1"), "198.51.100.1");
  EXPECT_EQ(client_of({"[2001:db8::1]:4711"}, "10.0.0.1"), "2001:db8::1");
  EXPECT_EQ(client_of({"2001:db8::1"}, "10.0.0.1"), "2001:db8::1");
}

TEST(ClientAddress, is_the_last_proxy_where_the_list_makes_no_sense) {
  for (const char* value : {"unknown", "", ",", "1.1.1.1, evil", "1.1.1.1,", "[::1", "_hidden"}) {
    EXPECT_EQ(client_of({value}, "10.0.0.1"), "10.0.0.1") << value;
  }
}

}  // namespace
}  // namespace lakehouse::worker::http
