// SPDX-License-Identifier: PostgreSQL
// The hook of object access: the only one that sees functions called outside of a query. Plain
// regime.
#pragma once

namespace lakehouse::guard {

void install_access_hook();

}  // namespace lakehouse::guard
