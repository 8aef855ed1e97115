// SPDX-License-Identifier: PostgreSQL
// One foreign scan: submit, wait, stream batches under credit, end. However it ends, the remote
// statement is cancelled if it still runs, and closed.
#pragma once

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/wire/message.hpp"
#include "worker/gateway/credit.hpp"
#include "worker/gateway/services.hpp"
#include "worker/io/channel.hpp"

namespace lakehouse::worker::gateway {

// Where a scan's messages go.
struct ScanClient {
  io::Channel& channel;
  Credit& credit;
};

// On success ScanStarted, Batch…, ScanEnded have been sent. On failure the caller answers with the
// Error; `answer` is called for that before the remote statement is closed, so that the backend
// does not wait for the warehouse.
using AnswerFailure = std::function<void(const Error&)>;
void run_scan(wire::OpenScan request, ScanClient client, Services& services,
              const AnswerFailure& answer, const Context& context);

}  // namespace lakehouse::worker::gateway
