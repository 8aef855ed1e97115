// SPDX-License-Identifier: PostgreSQL
// Who may ask the worker for what only a tenant's admins may have: a superuser, an admin of it.
#pragma once

#include "extension/postgres/prelude.hpp"

namespace lakehouse::client {

// To be called behind the border. Raises 42501 "permission denied to …" with `what` where the
// caller is no admin of the tenant, and where there is no such tenant.
void require_tenant_admin(Datum tenant_id, const char* what);

}  // namespace lakehouse::client
