// SPDX-License-Identifier: PostgreSQL
// Translates between wire messages and what warehouses, secrets and report speak.
#include "worker/gateway/requests.hpp"

#include <chrono>

namespace lakehouse::worker::gateway {
namespace {

using std::chrono::milliseconds;

// A warehouse that has to start up first may take minutes.
constexpr milliseconds kWarehouseTime = std::chrono::minutes(10);
// Millions of records are read at a hundred thousand a second.
constexpr milliseconds kVerifyTime = std::chrono::minutes(10);
constexpr milliseconds kLocalTime = std::chrono::seconds(10);

Context within(const Context& context, milliseconds span) {
  return {context.deadline.sooner(Deadline::in(span)), context.stop, context.request_id};
}

Secret take_secret(std::string& plaintext) {
  Secret secret{std::string(plaintext)};
  Secret::wipe(plaintext);
  return secret;
}

std::string either(std::string first, const std::string& second) {
  return first.empty() ? second : first;
}

wire::DescribedTable to_wire(warehouse::TableDescription table) {
  wire::DescribedTable described{std::move(table.name), std::move(table.comment), {}};
  for (warehouse::ColumnDescription& column : table.columns) {
    described.columns.push_back({std::move(column.name), std::move(column.type_text),
                                 std::move(column.comment), column.is_nullable});
  }
  return described;
}

}  // namespace

Result<wire::SchemaDescription> handle(wire::DescribeSchema request, Services& services,
                                       const Context& context) {
  if (request.filter > static_cast<std::uint8_t>(warehouse::NameFilter::kExcept)) {
    return Error{ErrorCode::kProtocol, "unknown name filter in a request", "", ""};
  }
  const Context bounded = within(context, kWarehouseTime);
  auto found = services.warehouses.find(request.connection_id, bounded);
  if (!found) return found.error();
  warehouse::TableSelection selection{either(std::move(request.catalog), found->catalog),
                                      either(std::move(request.schema), found->schema),
                                      static_cast<warehouse::NameFilter>(request.filter),
                                      std::move(request.names)};
  auto tables = found->warehouse->describe_tables(selection, bounded);
  if (!tables) return tables.error();
  wire::SchemaDescription description{std::move(selection.catalog), {}};
  for (warehouse::TableDescription& table : *tables) {
    description.tables.push_back(to_wire(std::move(table)));
  }
  return description;
}

Result<wire::TestReport> handle(wire::TestConnection request, Services& services,
                                const Context& context) {
  const Context bounded = within(context, kWarehouseTime);
  auto found = services.warehouses.find(request.connection_id, bounded);
  if (!found) return found.error();
  wire::TestReport report;
  for (warehouse::TestStep& step : found->warehouse->test(bounded)) {
    report.steps.push_back({std::move(step.step), step.is_ok,
                            static_cast<std::uint64_t>(step.duration.count()),
                            std::move(step.detail)});
  }
  if (context.stop.stop_requested()) return cancelled_error();
  return report;
}

Result<wire::SealedSecret> handle(wire::SealSecret request, Services& services, const Context&) {
  const Secret plaintext = take_secret(request.plaintext);
  const vault::Place place{request.tenant_id, request.purpose, request.row_id, request.column,
                           request.version};
  auto envelope = services.secrets.seal(place, plaintext);
  if (!envelope) return envelope.error();
  return wire::SealedSecret{*std::move(envelope)};
}

Result<wire::Stored> handle(wire::StoreSecret request, Services& services, const Context& context) {
  const Secret plaintext = take_secret(request.plaintext);
  if (plaintext.is_empty()) {
    return Error{ErrorCode::kInvalidArgument, "secret is empty", "", ""};
  }
  auto version = services.secrets.store(request.tenant, request.connection, plaintext,
                                        within(context, kLocalTime));
  if (!version) return version.error();
  services.log.write(LogLevel::kInfo, "secret stored", context.request_id,
                     {{"tenant", std::string_view(request.tenant)},
                      {"connection", std::string_view(request.connection)},
                      {"version", *version}});
  return wire::Stored{*version};
}

Result<wire::KeyAdded> handle(wire::AddKey, Services& services, const Context& context) {
  const auto id = services.keys.add(within(context, kLocalTime));
  if (!id) return id.error();
  return wire::KeyAdded{*id};
}

Result<wire::KeyList> handle(wire::ListKeys, Services& services, const Context& context) {
  auto keys = services.keys.list(within(context, kLocalTime));
  if (!keys) return keys.error();
  return wire::KeyList{*std::move(keys)};
}

Result<wire::KeyRetired> handle(wire::RetireKey request, Services& services,
                                const Context& context) {
  const auto is_removed = services.keys.retire(request.id, within(context, kLocalTime));
  if (!is_removed) return is_removed.error();
  return wire::KeyRetired{*is_removed};
}

Result<wire::Recorded> handle(wire::RecordAudit request, Services& services, const Context&) {
  auto seq = services.audit.record(std::move(request));
  if (!seq) return seq.error();
  return wire::Recorded{*seq};
}

Result<wire::AuditReport> handle(wire::VerifyAudit request, Services& services,
                                 const Context& context) {
  return services.audit.verify(request.tenant_id, within(context, kVerifyTime));
}

Result<wire::PublishReport> handle(wire::PublishNow request, Services& services,
                                   const Context& context) {
  return services.publisher.publish_now(request, context);
}

Result<wire::WorkerReport> handle(wire::WorkerStatus, Services& services, const Context& context) {
  return services.report(within(context, kLocalTime));
}

}  // namespace lakehouse::worker::gateway
