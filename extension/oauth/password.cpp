// SPDX-License-Identifier: PostgreSQL
// Checks a password against the verifier that PostgreSQL stores for a role, with the server's own
// code. Takes the same time whether or not there is such a role. Plain: no object with a destructor
// lives here.
#include "extension/border/border.hpp"
#include "extension/postgres/prelude.hpp"

namespace {

// A SCRAM verifier that no password has: 32 zero bytes are no hash anybody can hit.
const char kNobody[] =
    "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

bool can_login(const char* role) {
  HeapTuple tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(role));
  if (!HeapTupleIsValid(tuple)) return false;
  const bool can = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcanlogin;
  ReleaseSysCache(tuple);
  return can;
}

// The role's verifier; nullptr if it has none, may not log in, or its password has expired.
const char* verifier_of(const char* role) {
  const char* reason = nullptr;
  return can_login(role) ? get_role_password(role, &reason) : nullptr;
}

bool is_password(const char* role, const char* password) {
  const char* verifier = verifier_of(role);
  const char* reason = nullptr;
  const bool fits = plain_crypt_verify(role, verifier != nullptr ? verifier : kNobody, password,
                                       &reason) == STATUS_OK;
  return fits && verifier != nullptr;
}

}  // namespace

// is_role_password(role name, password text) → boolean
LAKEHOUSE_SQL_FUNCTION(lakehouse_is_role_password) {
  return lakehouse::border::call([&]() -> Datum {
    const char* role = PG_ARGISNULL(0) ? "" : NameStr(*PG_GETARG_NAME(0));
    char* password = text_to_cstring(PG_GETARG_TEXT_PP(1));
    const bool fits = is_password(role, password);
    explicit_bzero(password, strlen(password));
    return BoolGetDatum(fits);
  });
}
