// SPDX-License-Identifier: PostgreSQL
// A self-signed certificate with its key, made for one test.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace lakehouse::http::testing {

class Certificate {
 public:
  // `names` as OpenSSL writes alternative names: "DNS:example.test,IP:127.0.0.1".
  explicit Certificate(const std::string& names);

  std::string pem() const;
  X509* certificate() const noexcept { return certificate_.get(); }
  EVP_PKEY* key() const noexcept { return key_.get(); }

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace lakehouse::http::testing
