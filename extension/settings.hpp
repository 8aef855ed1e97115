// SPDX-License-Identifier: PostgreSQL
// The extension's GUCs as plain variables. Defined once in settings.cpp; read anywhere, written by
// the server only.
#pragma once

namespace lakehouse::settings {

extern char* database;
extern bool worker_autostart;
extern char* worker_path;
extern char* listen;
extern char* public_url;
extern char* allowed_origins;
extern char* trusted_proxies;
extern char* tls_certificate_file;
extern char* tls_key_file;
extern char* ca_file;
extern char* allowed_private_hosts;
extern char* socket_directory;
extern char* master_key_file;
extern char* master_key_command;
extern char* delta_directory;
extern char* debug_publish_directory;
extern char* delta_sharing_base_url;
extern bool warehouse_integration_enabled;
extern bool oauth_dynamic_registration;
extern bool enable_pushdown;
extern bool agent_session;
extern int max_rows;
extern int max_kilobytes;
extern int agent_memory_kilobytes;
extern int agent_statement_timeout;  // milliseconds
extern int delta_retention_minutes;
extern int max_publishes;
extern int publish_table_timeout_seconds;  // 0: no limit

// Called from _PG_init. Settings that need shared memory or the launcher are fixed at server start.
void define_all();

// `lakehouse.socket_directory`, or $PGDATA/lakehouse if it is empty; palloc'd.
char* effective_socket_directory();

// `lakehouse.delta_directory`, or $PGDATA/lakehouse_delta if it is empty; palloc'd.
char* effective_delta_directory();

// ERROR 55000 with a HINT unless federated reads are switched on.
void require_warehouse_integration();

}  // namespace lakehouse::settings
