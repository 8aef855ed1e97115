// SPDX-License-Identifier: PostgreSQL
// What goes wrong with an object store, in our words. No message holds a key, a signature, a path
// or a query.
#pragma once

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/http/client.hpp"

namespace lakehouse::s3 {

// Of a response that is not the one hoped for. Codes: kNotFound (object or bucket),
// kPermissionDenied (key, signature or policy), kInvalidArgument (the bucket lies elsewhere),
// kUnavailable (the rest).
Error failure_of(const http::Response& response);

// Of a request that got no response: what the network or the service did is kUnavailable;
// kCancelled, a deadline that has passed and what the caller did wrong stay what they are.
Error failure_of(Error error, const Context& context);

}  // namespace lakehouse::s3
