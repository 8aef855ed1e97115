// SPDX-License-Identifier: PostgreSQL
// Access: by which hosts this server may be asked, and by pages of which origins. Together they
// keep a page of somebody else from using a browser's place in our network (DNS rebinding, CSRF).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/config/network.hpp"
#include "worker/config/public_url.hpp"
#include "worker/http/message.hpp"
#include "worker/http/router.hpp"

namespace lakehouse::worker::http {

struct AccessOptions {
  config::PublicUrl public_url;
  std::vector<std::string> allowed_origins;  // beside our own; as browsers write them
  std::vector<config::Network> trusted_proxies;
  // Where recipients of shares ask, for all tenants.
  std::optional<config::PublicUrl> sharing_url = {};
};

// The ends of a connection.
struct Ends {
  config::IpAddress peer, local;
  std::uint16_t local_port = 0;
  bool has_tls = false;
};

class Access {
 public:
  explicit Access(AccessOptions options) : options_(std::move(options)) {}

  // Fills `tenant` and `client_address` of the request. Hosts: the public URL's; the address the
  // client has connected to; on a loopback address, localhost; for probes, any numeric address.
  // Where each tenant has a host, only probes and recipients may ask by what is none.
  // `answer` is set if the router must not be asked: 400 or 421 for a host, 403 for an origin, 204
  // for a preflight (Fetch standard, 3.2). `headers` belong into every answer.
  struct Verdict {
    std::optional<Response> answer;
    std::vector<Header> headers;
  };
  Verdict admit(Request& request, const Ends& ends, const Router& router) const;

 private:
  // The origin of pages that this host itself serves; nothing if the host is not ours.
  std::optional<std::string> own_origin(Request& request, const config::HostAndPort& asked,
                                        const Ends& ends, Audience audience) const;
  bool is_known_origin(std::string_view origin) const;

  const AccessOptions options_;
};

}  // namespace lakehouse::worker::http
