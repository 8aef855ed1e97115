// SPDX-License-Identifier: PostgreSQL
// What the service's failures mean: an HTTP status with its envelope, or a statement that ended
// badly, as our Error.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/http/client.hpp"
#include "core/warehouse/databricks/answer.hpp"

namespace lakehouse::warehouse::databricks {

// A statement in state FAILED.
Error error_of_statement(const RemoteFailure& failure, std::string_view statement_id);

// An HTTP status other than 2xx on an API call.
Error error_of_status(int status, const RemoteFailure& failure);

// The disposition asked for is the trouble: INLINE, and the result is above its 25 MiB; or
// EXTERNAL_LINKS, and the workspace doesn't allow it. The other one may do.
bool is_about_disposition(const RemoteFailure& failure);

}  // namespace lakehouse::warehouse::databricks
