// SPDX-License-Identifier: PostgreSQL
// Every GUC in one table per type: name, what it says in pg_settings, default, who may change it.
#include "extension/settings.hpp"

#include "extension/postgres/prelude.hpp"

namespace lakehouse::settings {

char* database;
bool worker_autostart;
char* worker_path;
char* listen;
char* public_url;
char* allowed_origins;
char* trusted_proxies;
char* tls_certificate_file;
char* tls_key_file;
char* ca_file;
char* allowed_private_hosts;
char* socket_directory;
char* master_key_file;
char* master_key_command;
char* delta_directory;
char* debug_publish_directory;
char* delta_sharing_base_url;
bool warehouse_integration_enabled;
bool oauth_dynamic_registration;
bool enable_pushdown;
bool agent_session;
int max_rows;
int max_kilobytes;
int agent_memory_kilobytes;
int agent_statement_timeout;
int delta_retention_minutes;
int max_publishes;
int publish_table_timeout_seconds;

namespace {

constexpr int kDefaultRetentionMinutes = 7 * 24 * 60;
// A file may be asked for as long as a URL and a refresh token live: an hour each.
constexpr int kLeastRetentionMinutes = 3 * 60;
constexpr int kMostRetentionMinutes = 10 * 366 * 24 * 60;
// One that a slow source holds up leaves another; each takes some memory and four connections.
constexpr int kDefaultPublishes = 2;
constexpr int kMostPublishes = 8;
// Ten times what ten million rows take.
constexpr int kDefaultTableSeconds = 30 * 60;
constexpr int kMostTableSeconds = 7 * 24 * 60 * 60;

struct TextSetting {
  const char* name;
  const char* description;
  char** variable;
  const char* fallback;
  GucContext context;
  int flags;
};

struct SwitchSetting {
  const char* name;
  const char* description;
  bool* variable;
  bool fallback;
  GucContext context;
};

struct NumberSetting {
  const char* name;
  const char* description;
  int* variable;
  int fallback, least, most;
  GucContext context;
  int flags;
};

const TextSetting kTexts[] = {
    {"lakehouse.database", "Database that the launcher and the worker serve.", &database,
     "postgres", PGC_POSTMASTER, 0},
    {"lakehouse.worker_path", "Program the launcher starts.", &worker_path, LAKEHOUSE_WORKER_PATH,
     PGC_SIGHUP, GUC_SUPERUSER_ONLY},
    {"lakehouse.listen", "Address and port of the worker's HTTP server; empty for none.", &listen,
     "127.0.0.1:8720", PGC_SIGHUP, 0},
    {"lakehouse.public_url",
     "URL that clients of the worker's HTTP server use; empty: from lakehouse.listen.", &public_url,
     "", PGC_SIGHUP, 0},
    {"lakehouse.allowed_origins",
     "Origins whose pages may use the worker's HTTP server from a browser: a comma-separated list.",
     &allowed_origins, "", PGC_SIGHUP, 0},
    {"lakehouse.trusted_proxies",
     "Networks of proxies whose X-Forwarded-For header is believed: a comma-separated list.",
     &trusted_proxies, "", PGC_SIGHUP, 0},
    {"lakehouse.tls_certificate_file", "PEM certificate chain of the worker's HTTP server.",
     &tls_certificate_file, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY},
    {"lakehouse.tls_key_file", "PEM private key of the worker's HTTP server.", &tls_key_file, "",
     PGC_SIGHUP, GUC_SUPERUSER_ONLY},
    {"lakehouse.ca_file", "PEM certificates the worker trusts beside the system's own.", &ca_file,
     "", PGC_SIGHUP, 0},
    {"lakehouse.allowed_private_hosts",
     "Hosts the worker may call although they are private, loopback or plain http: a "
     "comma-separated list of host or "
     "host:port.",
     &allowed_private_hosts, "", PGC_SIGHUP, 0},
    {"lakehouse.socket_directory",
     "Directory of the worker's socket; empty: \"lakehouse\" in the data directory.",
     &socket_directory, "", PGC_POSTMASTER, GUC_SUPERUSER_ONLY},
    {"lakehouse.master_key_file",
     "File with the master key, read by the worker alone; empty: generated.", &master_key_file, "",
     PGC_SIGHUP, GUC_SUPERUSER_ONLY},
    {"lakehouse.master_key_command",
     "Program that prints the master key, run by the worker without a shell.", &master_key_command,
     "", PGC_SIGHUP, GUC_SUPERUSER_ONLY},
    {"lakehouse.delta_directory",
     "Directory of published Delta tables; empty: \"lakehouse_delta\" in the data directory.",
     &delta_directory, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY},
    {"lakehouse.debug_publish_directory",
     "Directory of files that each hold a publish at the step they are named after.",
     &debug_publish_directory, "", PGC_SIGHUP,
     GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE},
    {"lakehouse.delta_sharing_base_url",
     "URL under which recipients reach Delta Sharing; empty: it is switched off.",
     &delta_sharing_base_url, "", PGC_SIGHUP, 0},
};

const SwitchSetting kSwitches[] = {
    {"lakehouse.worker_autostart", "Starts the worker with the server and watches it.",
     &worker_autostart, true, PGC_SIGHUP},
    {"lakehouse.warehouse_integration_enabled", "Allows reads from connected warehouses.",
     &warehouse_integration_enabled, false, PGC_SUSET},
    {"lakehouse.oauth_dynamic_registration",
     "Lets OAuth clients register themselves at /oauth/register (RFC 7591).",
     &oauth_dynamic_registration, false, PGC_SIGHUP},
    {"lakehouse.enable_pushdown",
     "Lets the planner evaluate conditions, order and limits remotely.", &enable_pushdown, true,
     PGC_USERSET},
    {"lakehouse.agent_session",
     "Makes the session an agent's, whoever its role is; the worker sets it for SQL that a model "
     "wrote.",
     &agent_session, false, PGC_SUSET},
};

const NumberSetting kNumbers[] = {
    {"lakehouse.max_rows", "Most rows one query of an agent gets.", &max_rows, 200, 1, 1'000'000,
     PGC_SUSET, 0},
    {"lakehouse.max_bytes", "Most bytes one query of an agent gets.", &max_kilobytes, 1024 * 1024,
     1, MAX_KILOBYTES, PGC_SUSET, GUC_UNIT_KB},
    {"lakehouse.agent_memory",
     "Memory an agent's session may use beyond what it starts with; 0 for no limit.",
     &agent_memory_kilobytes, 512 * 1024, 0, MAX_KILOBYTES, PGC_SUSET, GUC_UNIT_KB},
    {"lakehouse.agent_statement_timeout", "Longest time of an agent's statement; 0 for no limit.",
     &agent_statement_timeout, 30'000, 0, 86'400'000, PGC_SUSET, GUC_UNIT_MS},
    {"lakehouse.delta_retention", "How long older versions of published tables can be read.",
     &delta_retention_minutes, kDefaultRetentionMinutes, kLeastRetentionMinutes,
     kMostRetentionMinutes, PGC_SIGHUP, GUC_UNIT_MIN},
    {"lakehouse.max_publishes", "Most tenants whose tables a worker publishes at a time.",
     &max_publishes, kDefaultPublishes, 1, kMostPublishes, PGC_SIGHUP, 0},
    {"lakehouse.publish_table_timeout",
     "Longest time that a publish reads one table or view; 0 for no limit.",
     &publish_table_timeout_seconds, kDefaultTableSeconds, 0, kMostTableSeconds, PGC_SIGHUP,
     GUC_UNIT_S},
};

}  // namespace

void define_all() {
  for (const TextSetting& setting : kTexts) {
    // PGC_POSTMASTER settings can only be defined while the server starts.
    const GucContext context =
        setting.context == PGC_POSTMASTER && !process_shared_preload_libraries_in_progress
            ? PGC_SIGHUP
            : setting.context;
    DefineCustomStringVariable(setting.name, setting.description, nullptr, setting.variable,
                               setting.fallback, context, setting.flags, nullptr, nullptr, nullptr);
  }
  for (const SwitchSetting& setting : kSwitches) {
    DefineCustomBoolVariable(setting.name, setting.description, nullptr, setting.variable,
                             setting.fallback, setting.context, 0, nullptr, nullptr, nullptr);
  }
  for (const NumberSetting& setting : kNumbers) {
    DefineCustomIntVariable(setting.name, setting.description, nullptr, setting.variable,
                            setting.fallback, setting.least, setting.most, setting.context,
                            setting.flags, nullptr, nullptr, nullptr);
  }
  MarkGUCPrefixReserved("lakehouse");
}

char* effective_socket_directory() {
  return socket_directory[0] != '\0' ? pstrdup(socket_directory)
                                     : psprintf("%s/lakehouse", DataDir);
}

char* effective_delta_directory() {
  return delta_directory[0] != '\0' ? pstrdup(delta_directory)
                                    : psprintf("%s/lakehouse_delta", DataDir);
}

void require_warehouse_integration() {
  if (warehouse_integration_enabled) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg("warehouse integration is switched off"),
       errhint(
           "Set \"lakehouse.warehouse_integration_enabled = on\" in postgresql.conf and reload.")));
}

}  // namespace lakehouse::settings
