// SPDX-License-Identifier: PostgreSQL
// The messages between backend, launcher, command line and worker: one type, one encode, one
// decode. Each message lists its fields once, in `describe`; Writer and Reader walk the same list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace lakehouse::wire {

// Framing: uint32 length of what follows, uint8 MessageType, body. Same host, same build: native
// byte order; kProtocolVersion in Hello keeps a half-upgraded pair apart.
//
// A connection carries one Hello, then one request. OpenScan is answered by ScanStarted, Batch…,
// ScanEnded; every other request by one answer. RecordAudit may come again and again, each after
// the answer to the one before. Failure may come instead of any answer, and ends the connection.
// Closing the socket ends everything.
inline constexpr std::uint32_t kProtocolVersion = 4;
inline constexpr std::uint32_t kMaxFrameBytes =
    256U << 20U;  // a 16 MiB statement and the widest batch fit well within

enum class MessageType : std::uint8_t {
  kHello = 'H',
  kOpenScan = 'O',
  kCredit = 'K',
  kDescribeSchema = 'D',
  kTestConnection = 'T',
  kSealSecret = 'S',
  kStoreSecret = 'P',
  kWorkerStatus = 'U',
  kAddKey = 'A',
  kListKeys = 'L',
  kRetireKey = 'R',
  kRecordAudit = 'J',
  kVerifyAudit = 'V',
  kPublishNow = 'N',
  kScanStarted = 's',
  kBatch = 'b',  // raw bytes in the layout of batch.hpp, no Writer
  kScanEnded = 'e',
  kSchemaDescription = 'd',
  kTestReport = 't',
  kSealedSecret = 'p',
  kStored = 'o',
  kWorkerReport = 'u',
  kKeyAdded = 'a',
  kKeyList = 'l',
  kKeyRetired = 'r',
  kRecorded = 'j',
  kAuditReport = 'v',
  kPublishReport = 'n',
  kFailure = 'x',
  kWorkerConfig = 'c',  // launcher to worker, on standard input
};

struct Hello {
  static constexpr MessageType kType = MessageType::kHello;
  std::uint32_t protocol_version = kProtocolVersion;
  std::int32_t process_id = 0;  // the client's; for logs only
  std::string request_id;       // backend: "<pid>-<counter>"
  template <typename Archive>
  void describe(Archive& archive) {
    archive(protocol_version, process_id, request_id);
  }
};

struct ScanParameter {
  std::string name;
  std::string type;
  bool is_null = false;
  std::string value;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(name, type, is_null, value);
  }
};

struct ScanColumn {
  std::uint8_t cell_type = 0;  // CellType
  std::int16_t precision = 0;
  std::int16_t scale = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(cell_type, precision, scale);
  }
};

struct OpenScan {
  static constexpr MessageType kType = MessageType::kOpenScan;
  std::string connection_id;  // uuid of the row in warehouse_connections
  std::string statement;
  std::vector<ScanParameter> parameters;
  std::vector<ScanColumn> columns;
  std::uint64_t window_bytes = 0;  // 0: the worker's default
  std::uint32_t credit = 0;        // batches the worker may send before the first Credit
  std::uint64_t row_bound = 0;     // the most rows the result can have; 0: unknown
  std::uint64_t timeout_ms = 0;    // 0: none
  template <typename Archive>
  void describe(Archive& archive) {
    archive(connection_id, statement, parameters, columns, window_bytes, credit, row_bound,
            timeout_ms);
  }
};

struct Credit {
  static constexpr MessageType kType = MessageType::kCredit;
  std::uint32_t batches = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(batches);
  }
};

struct ScanStarted {
  static constexpr MessageType kType = MessageType::kScanStarted;
  std::string query_id;  // the engine's
  template <typename Archive>
  void describe(Archive& archive) {
    archive(query_id);
  }
};

struct ScanEnded {
  static constexpr MessageType kType = MessageType::kScanEnded;
  std::uint64_t rows = 0, bytes_received = 0, chunks = 0, remote_time_us = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(rows, bytes_received, chunks, remote_time_us);
  }
};

struct Failure {
  static constexpr MessageType kType = MessageType::kFailure;
  std::uint8_t code = 0;  // ErrorCode
  std::string message, detail, hint;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(code, message, detail, hint);
  }
};

struct DescribeSchema {
  static constexpr MessageType kType = MessageType::kDescribeSchema;
  std::string connection_id;
  std::string catalog;  // empty: the connection's own
  std::string schema;
  std::uint8_t filter = 0;  // warehouse::NameFilter
  std::vector<std::string> names;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(connection_id, catalog, schema, filter, names);
  }
};

struct DescribedColumn {
  std::string name, type_text, comment;
  bool is_nullable = true;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(name, type_text, comment, is_nullable);
  }
};

struct DescribedTable {
  std::string name, comment;
  std::vector<DescribedColumn> columns;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(name, comment, columns);
  }
};

struct SchemaDescription {
  static constexpr MessageType kType = MessageType::kSchemaDescription;
  std::string catalog;
  std::vector<DescribedTable> tables;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(catalog, tables);
  }
};

struct TestConnection {
  static constexpr MessageType kType = MessageType::kTestConnection;
  std::string connection_id;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(connection_id);
  }
};

struct TestedStep {
  std::string step;
  bool is_ok = false;
  std::uint64_t duration_us = 0;
  std::string detail;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(step, is_ok, duration_us, detail);
  }
};

struct TestReport {
  static constexpr MessageType kType = MessageType::kTestReport;
  std::vector<TestedStep> steps;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(steps);
  }
};

// Encrypts a secret for a row that the caller is about to write; the answer is SealedSecret.
struct SealSecret {
  static constexpr MessageType kType = MessageType::kSealSecret;
  std::string tenant_id, purpose, row_id, column;
  std::uint64_t version = 0;
  std::string plaintext;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(tenant_id, purpose, row_id, column, version, plaintext);
  }
};

struct SealedSecret {
  static constexpr MessageType kType = MessageType::kSealedSecret;
  std::string envelope;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(envelope);
  }
};

// `lakehouse-worker secret set`: encrypts and writes the secret into the connection's row; the
// answer is Stored.
struct StoreSecret {
  static constexpr MessageType kType = MessageType::kStoreSecret;
  std::string tenant, connection;  // slug and name
  std::string plaintext;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(tenant, connection, plaintext);
  }
};

struct Stored {
  static constexpr MessageType kType = MessageType::kStored;
  std::uint64_t version = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(version);
  }
};

struct WorkerStatus {
  static constexpr MessageType kType = MessageType::kWorkerStatus;
  template <typename Archive>
  void describe(Archive&) {}
};

struct WorkerReport {
  static constexpr MessageType kType = MessageType::kWorkerReport;
  std::int32_t process_id = 0;
  std::string version, listen;
  std::int64_t started_at_us = 0;  // Unix time
  std::uint32_t open_scans = 0;
  std::uint64_t scans = 0, failed_scans = 0, rows = 0, bytes_received = 0, http_requests = 0,
                http_retries = 0;
  std::uint32_t key_id = 0;  // the writing key of the vault
  bool database_is_ok = false;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(process_id, version, listen, started_at_us, open_scans, scans, failed_scans, rows,
            bytes_received, http_requests, http_retries, key_id, database_is_ok);
  }
};

// `lakehouse-worker key add`: makes a master key, which encrypts from then on; the answer is
// KeyAdded.
struct AddKey {
  static constexpr MessageType kType = MessageType::kAddKey;
  template <typename Archive>
  void describe(Archive&) {}
};

struct KeyAdded {
  static constexpr MessageType kType = MessageType::kKeyAdded;
  std::uint32_t id = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(id);
  }
};

struct ListKeys {
  static constexpr MessageType kType = MessageType::kListKeys;
  template <typename Archive>
  void describe(Archive&) {}
};

struct ListedKey {
  std::uint32_t id = 0;
  std::string since, retired;  // UTC; empty: not known, not retired
  bool is_here = false;        // the worker holds the key
  bool is_writing = false;
  std::uint64_t secrets = 0;  // encrypted with it
  template <typename Archive>
  void describe(Archive& archive) {
    archive(id, since, retired, is_here, is_writing, secrets);
  }
};

struct KeyList {
  static constexpr MessageType kType = MessageType::kKeyList;
  std::vector<ListedKey> keys;  // in the order of their ids
  template <typename Archive>
  void describe(Archive& archive) {
    archive(keys);
  }
};

// `lakehouse-worker key retire`; the answer is KeyRetired.
struct RetireKey {
  static constexpr MessageType kType = MessageType::kRetireKey;
  std::uint32_t id = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(id);
  }
};

struct KeyRetired {
  static constexpr MessageType kType = MessageType::kKeyRetired;
  bool is_removed = false;  // false: whoever feeds the key command takes it away
  template <typename Archive>
  void describe(Archive& archive) {
    archive(is_removed);
  }
};

enum class AuditPhase : std::uint8_t {
  kIntent,   // before a statement runs
  kOutcome,  // after it, whether it succeeded or failed
  kRefusal,  // it was not let run
};

// One record for a tenant's audit log, all text in UTF-8; the answer is Recorded, sent once the
// record is durable.
struct RecordAudit {
  static constexpr MessageType kType = MessageType::kRecordAudit;
  std::string tenant_id, audit_id;  // uuid text
  std::uint8_t phase = 0;           // AuditPhase
  std::int64_t at_us = 0;           // Unix time
  std::string session_role, role, application_name;
  std::string statement_hash;  // SHA-256, 32 bytes
  std::string statement;       // without literals
  std::vector<std::string> relations;
  std::int64_t policy_epoch = 0;
  std::string code, sqlstate;  // empty: none
  std::int64_t rows = 0, bytes = 0, duration_us = 0;
  std::vector<std::string> remote_query_ids;
  bool is_repeated = false;  // sent before, but the answer was lost: it may be there already
  template <typename Archive>
  void describe(Archive& archive) {
    archive(tenant_id, audit_id, phase, at_us, session_role, role, application_name, statement_hash,
            statement, relations, policy_epoch, code, sqlstate, rows, bytes, duration_us,
            remote_query_ids, is_repeated);
  }
};

struct Recorded {
  static constexpr MessageType kType = MessageType::kRecorded;
  std::int64_t seq = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(seq);
  }
};

struct VerifyAudit {
  static constexpr MessageType kType = MessageType::kVerifyAudit;
  std::string tenant_id;  // uuid text
  template <typename Archive>
  void describe(Archive& archive) {
    archive(tenant_id);
  }
};

struct AuditReport {
  static constexpr MessageType kType = MessageType::kAuditReport;
  bool is_intact = false;
  std::int64_t records = 0;        // records read
  std::int64_t first_bad_seq = 0;  // 0: none
  std::string reason;  // what is wrong, or what an intact chain could not be compared with
  template <typename Archive>
  void describe(Archive& archive) {
    archive(is_intact, records, first_bad_seq, reason);
  }
};

// Publishes what has changed in a tenant's tables; the answer is PublishReport.
struct PublishNow {
  static constexpr MessageType kType = MessageType::kPublishNow;
  std::string tenant_id;  // uuid text
  std::string requested_by;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(tenant_id, requested_by);
  }
};

struct PublishedVersion {
  std::string table;  // schema and name of its source
  std::int64_t version = 0;
  std::string operation;
  std::int64_t rows_added = 0, rows_changed = 0, rows_removed = 0, bytes_written = 0;
  std::int64_t duration_us = 0;
  template <typename Archive>
  void describe(Archive& archive) {
    archive(table, version, operation, rows_added, rows_changed, rows_removed, bytes_written,
            duration_us);
  }
};

struct PublishReport {
  static constexpr MessageType kType = MessageType::kPublishReport;
  std::vector<PublishedVersion> versions;  // that came; none if nothing had changed
  template <typename Archive>
  void describe(Archive& archive) {
    archive(versions);
  }
};

// What a worker needs to know, sent once by the launcher. `password` is fresh at each start and
// lives nowhere else.
struct WorkerConfig {
  static constexpr MessageType kType = MessageType::kWorkerConfig;
  std::string database_host, database_name, database_user, database_password;
  std::uint16_t database_port = 0;
  std::string listen, socket_directory, data_directory;
  std::string master_key_file, master_key_command;
  std::string tls_certificate_file, tls_key_file, ca_file;
  std::vector<std::string> allowed_private_hosts;
  std::string public_url;  // empty: from `listen`
  std::vector<std::string> allowed_origins, trusted_proxies;
  std::string delta_directory;
  std::uint32_t delta_retention_minutes = 0;
  std::uint32_t max_publishes = 0;
  std::uint32_t publish_table_timeout_seconds = 0;  // 0: no limit
  std::string debug_publish_directory;              // empty: none
  std::string delta_sharing_base_url;               // empty: Delta Sharing is off
  template <typename Archive>
  void describe(Archive& archive) {
    archive(database_host, database_name, database_user, database_password, database_port, listen,
            socket_directory, data_directory, master_key_file, master_key_command,
            tls_certificate_file, tls_key_file, ca_file, allowed_private_hosts, public_url,
            allowed_origins, trusted_proxies, delta_directory, delta_retention_minutes,
            max_publishes, publish_table_timeout_seconds, debug_publish_directory,
            delta_sharing_base_url);
  }
};

}  // namespace lakehouse::wire
