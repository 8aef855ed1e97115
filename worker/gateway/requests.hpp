// SPDX-License-Identifier: PostgreSQL
// The requests with one answer: from wire message to wire message.
#pragma once

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/wire/message.hpp"
#include "worker/gateway/services.hpp"

namespace lakehouse::worker::gateway {

Result<wire::SchemaDescription> handle(wire::DescribeSchema request, Services& services,
                                       const Context& context);
Result<wire::TestReport> handle(wire::TestConnection request, Services& services,
                                const Context& context);
// The plain text in the request is wiped.
Result<wire::SealedSecret> handle(wire::SealSecret request, Services& services,
                                  const Context& context);
Result<wire::Stored> handle(wire::StoreSecret request, Services& services, const Context& context);
Result<wire::KeyAdded> handle(wire::AddKey request, Services& services, const Context& context);
Result<wire::KeyList> handle(wire::ListKeys request, Services& services, const Context& context);
Result<wire::KeyRetired> handle(wire::RetireKey request, Services& services,
                                const Context& context);
Result<wire::Recorded> handle(wire::RecordAudit request, Services& services,
                              const Context& context);
Result<wire::AuditReport> handle(wire::VerifyAudit request, Services& services,
                                 const Context& context);
// As long as it takes.
Result<wire::PublishReport> handle(wire::PublishNow request, Services& services,
                                   const Context& context);
Result<wire::WorkerReport> handle(wire::WorkerStatus request, Services& services,
                                  const Context& context);

}  // namespace lakehouse::worker::gateway
