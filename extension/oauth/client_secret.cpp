// SPDX-License-Identifier: PostgreSQL
// Makes a client secret of the server's strong random numbers.
#include <array>

#include "core/base/credential.hpp"
#include "extension/border/border.hpp"
#include "extension/postgres/prelude.hpp"
#include "extension/postgres/text.hpp"

// make_client_secret() → text
LAKEHOUSE_SQL_FUNCTION(lakehouse_make_client_secret) {
  return lakehouse::border::call([]() -> Datum {
    std::array<unsigned char, lakehouse::kCredentialRandomBytes> random;
    if (!pg_strong_random(random.data(), random.size()))
      ereport(ERROR, (errmsg("could not generate random bytes")));
    const lakehouse::CredentialBody body = lakehouse::credential_body(random);
    StringInfoData secret;
    initStringInfo(&secret);
    lakehouse::postgres::append(&secret, lakehouse::kClientSecretPrefix);
    lakehouse::postgres::append(&secret, {body.data(), body.size()});
    return lakehouse::postgres::text_datum({secret.data, static_cast<std::size_t>(secret.len)});
  });
}
