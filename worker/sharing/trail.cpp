// SPDX-License-Identifier: PostgreSQL
// One record, of an outcome: there is nothing to undo, so the intent needs none of its own.
#include "worker/sharing/trail.hpp"

#include <openssl/rand.h>

#include <array>
#include <chrono>

#include "worker/json/text.hpp"
#include "worker/oauth/token.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::size_t kLongestAgent = 200;

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// RFC 9562, version 4. Empty if there is no randomness: then the record is refused as malformed.
std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[bytes.at(i) >> 4U]);
    text.push_back(kDigits[bytes.at(i) & 0x0FU]);
  }
  return text;
}

}  // namespace

Status record(gateway::AuditStore& store, const http::Request& request, const Admission& who,
              const Read& read) {
  wire::RecordAudit record;
  record.tenant_id = who.recipient.tenant_id;
  record.audit_id = random_uuid();
  record.phase = static_cast<std::uint8_t>(wire::AuditPhase::kOutcome);
  record.at_us = now_us();
  record.session_role = "lakehouse_worker";
  record.role = "recipient:" + who.recipient.name;
  record.application_name = "delta-sharing:" + std::string(request.header("user-agent"));
  record.application_name.resize(std::min(record.application_name.size(), kLongestAgent));
  record.statement_hash = oauth::hash_of(request.body.empty() ? request.query : request.body);
  record.statement = "delta sharing " + std::string(read.what) + " " + who.table.full_name() +
                     " version " + std::to_string(read.version) + ", " +
                     std::to_string(read.files) + " files";
  record.relations = {who.table.full_name()};
  record.rows = read.rows;
  record.bytes = read.bytes;
  record.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::steady_clock::now() - read.began)
                           .count();
  auto recorded = store.record(std::move(record));
  if (!recorded) return recorded.error();
  return kDone;
}

}  // namespace lakehouse::worker::sharing
