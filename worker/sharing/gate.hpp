// SPDX-License-Identifier: PostgreSQL
// Gate: lets a request of a recipient in by its bearer token (RFC 6750), in one round trip to the
// database. Nothing is cached: what is revoked is refused at once, by every worker.
#pragma once

#include "worker/log/log.hpp"
#include "worker/sharing/answer.hpp"
#include "worker/sharing/store.hpp"

namespace lakehouse::worker::sharing {

class Gate {
 public:
  Gate(Store& store, log::Log& log) : store_(store), log_(log) {}

  // Who asks, and what the target is to it. Refusals: 401; 403 from where it may not ask; 404 for
  // what is not there or not granted, which are one answer; 429; 503.
  Or<Admission> admit(const http::Request& request, const Target& target, const Context& context);

 private:
  Store& store_;
  log::Log& log_;
};

}  // namespace lakehouse::worker::sharing
