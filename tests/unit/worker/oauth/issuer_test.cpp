// SPDX-License-Identifier: PostgreSQL
// Identifiers of the authorization server and its resource.
#include "worker/oauth/issuer.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::oauth {
namespace {

TEST(Issuer, KnowsTheNamesOfItsResource) {
  const Issuer issuer{"https://crm.example", true};
  for (const char* name : {"https://crm.example", "https://crm.example/", "https://crm.example/mcp",
                           "https://crm.example/api/mcp"}) {
    EXPECT_TRUE(issuer.is_resource(name)) << name;
  }
  for (const char* name : {"https://crm.example/mcp/", "https://crm.example.evil/mcp", "",
                           "https://crm.example:443/mcp", "http://crm.example/mcp"}) {
    EXPECT_FALSE(issuer.is_resource(name)) << name;
  }
}

TEST(Issuer, EachTenantHasItsOwnWhereHostsAre) {
  const auto url = config::PublicUrl::parse("https://{org-slug}.crm.example");
  ASSERT_TRUE(url);
  http::Request request;
  request.tenant = "acme_west";
  EXPECT_EQ(issuer_of(*url, request).resource(), "https://acme-west.crm.example/mcp");
}

TEST(Issuer, MetadataIsWhereThePathSays) {
  const Issuer issuer{"https://crm.example", true};
  const std::string root = "https://crm.example/.well-known/oauth-protected-resource";
  EXPECT_EQ(issuer.resource_metadata("/mcp"), root + "/mcp");
  EXPECT_EQ(issuer.resource_metadata("/api/mcp"), root + "/api/mcp");
  EXPECT_EQ(issuer.resource_metadata("/api/v1/x"), root);
}

}  // namespace
}  // namespace lakehouse::worker::oauth
