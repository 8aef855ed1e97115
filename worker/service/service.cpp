// SPDX-License-Identifier: PostgreSQL
// Starts the parts, routes the HTTP paths, reports, stops.
#include "worker/service/service.hpp"

#include <unistd.h>

#include "worker/http/health.hpp"
#include "worker/metrics/exposition.hpp"
#include "worker/version.hpp"
#include "worker/warehouses/engines.hpp"

namespace lakehouse::worker::service {
namespace {

// /ready asks the database; a status request must not wait for a dead one.
constexpr std::chrono::milliseconds kDatabaseCheckTime{2'000};
// How long the HTTP server may stay closed because of a database that does not answer.
constexpr std::chrono::milliseconds kWarmUpTime{500};
// For everything a visitor asks but the tools themselves, which have their own.
constexpr std::size_t kVisitConnections = 8;
// For recipients of shares, so that neither they nor visitors wait for the others.
constexpr std::size_t kSharingConnections = 8;
// Of a stop's time, what requests of the HTTP server may use up.
constexpr std::chrono::milliseconds kHttpDrainTime{500};

Result<std::unique_ptr<lakehouse::http::Client>> open_client(const config::Settings& settings) {
  lakehouse::http::ClientOptions options;
  options.user_agent = "lakehouse-worker/" + std::string(kVersion);
  options.ca_file = settings.ca_file;
  options.allowed_private_hosts = settings.allowed_private_hosts;
  return lakehouse::http::Client::create(std::move(options));
}

// Away from the database if possible: beside the master key, as whoever copies one back should not
// copy the other.
std::vector<std::string> head_paths(const config::Settings& settings) {
  std::vector<std::string> paths;
  if (!settings.master_key.file.empty()) paths.push_back(settings.master_key.file + ".audit-heads");
  paths.push_back(settings.socket_directory + "/audit-heads");
  return paths;
}

// A proxy asks for many clients; and what runs on this machine has other ways to fill it.
std::vector<config::Network> uncapped_clients(const config::Settings& settings) {
  std::vector<config::Network> networks = settings.trusted_proxies;
  for (const char* loopback : {"127.0.0.0/8", "::1"}) {
    networks.push_back(*config::Network::parse(loopback));
  }
  return networks;
}

}  // namespace

Result<std::unique_ptr<Service>> Service::start(config::Settings settings, log::Log& log) {
  auto vault = secrets::LiveVault::open(settings.master_key, log);
  if (!vault) return vault.error();
  auto client = open_client(settings);
  if (!client) return client.error();
  std::unique_ptr<Service> service(
      new Service(std::move(settings), *std::move(vault), *std::move(client), log));
  if (Status opened = service->open_gateway(); !opened) return opened.error();
  if (service->settings_.listen) service->warm_up();
  service->open_http();
  return service;
}

bool Service::stop(Deadline deadline) {
  publish_jobs_.stop();
  housekeeping_.stop();
  const bool is_clean = gateway_->stop(deadline);
  mcp_.stop();
  if (http_) http_->stop(deadline.sooner(Deadline::in(kHttpDrainTime)));
  return is_clean;
}

void Service::reload() {
  rotation_.reload();
  if (!http_) return open_http();  // its certificate may be usable by now
  if (Status loaded = http_->reload_certificate(); !loaded) {
    log_.failure("certificate is not renewed", loaded.error());
  }
}

Service::Service(config::Settings settings, std::unique_ptr<secrets::LiveVault> vault,
                 std::unique_ptr<lakehouse::http::Client> client, log::Log& log)
    : settings_(std::move(settings)),
      log_(log),
      vault_(std::move(vault)),
      client_(std::move(client)),
      database_(settings_.database),
      warehouses_(database_, *vault_, warehouses::connect_by_engine(*client_, parse_pool_)),
      secrets_(database_, *vault_),
      keys_(*vault_, database_, log),
      resealer_(database_, *vault_, counters_),
      rotation_(*vault_, keys_, resealer_, log),
      revocation_watch_(settings_.database, uses_, warehouses_, log),
      audit_(settings_.database, *vault_, head_paths(settings_), log),
      buckets_(database_, *vault_, *client_),
      stores_(settings_.delta_directory, buckets_),
      debug_steps_(settings_.debug_publish_directory),
      publish_jobs_({settings_.database, database_, stores_, debug_steps_,
                     settings_.delta_retention, settings_.publish_table_timeout, log},
                    settings_.max_publishes, counters_),
      housekeeping_(settings_.database, stores_, log),
      visits_(settings_.database, {kVisitConnections}),
      oauth_(settings_.public_url, visits_, *client_, log),
      gate_(settings_.public_url, visits_, log),
      tools_(settings_.database, audit_, log),
      library_(visits_, audit_),
      mcp_({settings_.database, visits_, gate_, tools_, library_, *vault_, log}),
      api_(visits_, gate_, log),
      shared_reads_(settings_.database, {kSharingConnections}) {
  if (!settings_.sharing_url) return;
  sharing_ = std::make_unique<sharing::Server>(
      sharing::Parts{*settings_.sharing_url, shared_reads_, *vault_, audit_, stores_, &object_urls_,
                     settings_.delta_retention, log_});
}

Status Service::open_gateway() {
  gateway::Gateway::Options options;
  options.socket_directory = settings_.socket_directory;
  auto gateway = gateway::Gateway::start(
      options, {warehouses_, secrets_, keys_, uses_, audit_, publish_jobs_,
                [this](const Context& context) { return report(context); }, counters_, log_});
  if (!gateway) return gateway.error();
  gateway_ = *std::move(gateway);
  return kDone;
}

// Connecting, and what a session of the server makes when it is first asked, costs tens of
// milliseconds. No visitor waits for that if the database is there; what fails fails again, louder.
void Service::warm_up() {
  const Context context{Deadline::in(kWarmUpTime), {}, "warm-up"};
  gate_.warm_up(context);
  oauth::Identity nobody;
  nobody.tenant_id = "00000000-0000-0000-0000-000000000000";
  nobody.scopes = {"crm:read", "crm:write", "warehouse:query"};
  (void)tools_.list(nobody, context);
}

void Service::open_http() {
  if (!settings_.listen) return;
  http::ServerOptions options;
  options.listen = *settings_.listen;
  options.tls_certificate_file = settings_.tls_certificate_file;
  options.tls_key_file = settings_.tls_key_file;
  options.access = {settings_.public_url, settings_.allowed_origins, settings_.trusted_proxies, {}};
  if (settings_.sharing_url) options.access.sharing_url = settings_.sharing_url->host();
  options.uncapped_clients = uncapped_clients(settings_);
  auto server = http::Server::start(std::move(options), routes(), log_, counters_);
  if (!server) return log_.failure("http server does not start", server.error());
  http_ = *std::move(server);
  listening_ = http_.get();
}

// The table of everything this worker serves over HTTP.
http::Router Service::routes() {
  std::vector<http::Route> routes = http::health_routes({
      {"database", [this](const Context& context) { return database_.check(context); }},
      {"gateway",
       [this](const Context&) -> Status {
         if (gateway_->is_accepting()) return kDone;
         return Error{ErrorCode::kUnavailable, "the worker is shutting down", "", ""};
       }},
      {"vault",
       [this](const Context&) -> Status {
         if (vault_->writing_key_id() > 0) return kDone;
         return Error{ErrorCode::kUnauthenticated, "the vault has no key", "", ""};
       }},
  });
  routes.push_back(
      {"GET", "/metrics",
       [this](const http::Request&, const Context&) {
         http::Response page;
         page.content_type = "text/plain; version=0.0.4; charset=utf-8";
         page.body = metrics::expose(counters_, {kVersion, started_at_, client_->stats()});
         return page;
       },
       http::Audience::kProbes});
  for (http::Route& route : oauth_.routes()) routes.push_back(std::move(route));
  for (http::Route& route : mcp_.routes()) routes.push_back(std::move(route));
  for (http::Route& route : api_.routes()) routes.push_back(std::move(route));
  if (sharing_) {
    for (http::Route& route : sharing_->routes()) routes.push_back(std::move(route));
  }
  std::vector<http::Tree> trees;
  if (sharing_) trees.push_back(sharing::Server::tree());
  return http::Router(std::move(routes), std::move(trees));
}

wire::WorkerReport Service::report(const Context& context) {
  const Context bounded{context.deadline.sooner(Deadline::in(kDatabaseCheckTime)), context.stop,
                        context.request_id};
  const lakehouse::http::ClientStats client = client_->stats();
  wire::WorkerReport report;
  report.process_id = ::getpid();
  report.version = kVersion;
  const http::Server* listening = listening_;
  report.listen = listening != nullptr ? listening->address() : "";
  report.started_at_us =
      std::chrono::duration_cast<std::chrono::microseconds>(started_at_.time_since_epoch()).count();
  report.open_scans = static_cast<std::uint32_t>(counters_.open_scans);
  report.failed_scans = counters_.scans_failed;
  report.scans = counters_.scans_succeeded + counters_.scans_failed + counters_.scans_cancelled;
  report.rows = counters_.scan_rows;
  report.bytes_received = counters_.received_bytes;
  report.http_requests = client.requests;
  report.http_retries = client.retries;
  report.key_id = vault_->writing_key_id();
  report.database_is_ok = database_.check(bounded).is_ok();
  return report;
}

}  // namespace lakehouse::worker::service
