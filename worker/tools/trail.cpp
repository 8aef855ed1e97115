// SPDX-License-Identifier: PostgreSQL
// The record that both phases share, with an id of its own.
#include "worker/tools/trail.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>

#include "worker/json/text.hpp"

namespace lakehouse::worker::tools {
namespace {

constexpr const char* kWorkerRole = "lakehouse_worker";

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return {digest.begin(), digest.end()};
}

// RFC 9562, version 4. Empty if there is no randomness: then the record is refused as malformed.
std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return {};
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    constexpr std::string_view kDigits = "0123456789abcdef";
    text.push_back(kDigits[bytes.at(i) >> 4U]);
    text.push_back(kDigits[bytes.at(i) & 0x0FU]);
  }
  return text;
}

}  // namespace

CallFacts facts_of(const Result<Outcome>& outcome, const std::string& sqlstate) {
  CallFacts facts;
  facts.sqlstate = sqlstate;
  if (!outcome) {
    facts.code = std::string(facts_of(outcome.error().code).name);
  } else if (outcome->failure) {
    const std::string& details = outcome->failure->details;
    facts.code = outcome->failure->code == "INVALID_QUERY" && !sqlstate.empty()
                     ? details.substr(0, details.find_first_of(" :"))
                     : outcome->failure->code;
  } else {
    facts.bytes = static_cast<std::int64_t>(outcome->content.size());
  }
  return facts;
}

std::string sqlstate_of(const db::Answer& answer) {
  const auto* report = std::get_if<db::Report>(&answer);
  return report == nullptr ? std::string() : report->sqlstate;
}

Trail::Trail(gateway::AuditStore& store, const oauth::Identity& caller, std::string_view what,
             std::string_view arguments)
    : store_(store) {
  record_.tenant_id = caller.tenant_id;
  record_.audit_id = random_uuid();
  record_.session_role = kWorkerRole;
  record_.role = caller.role;
  record_.application_name = "mcp:" + caller.client_id;
  record_.statement_hash = sha256(arguments);
  record_.statement = json::well_formed(what);
}

Status Trail::begin() {
  record_.phase = static_cast<std::uint8_t>(wire::AuditPhase::kIntent);
  record_.at_us = now_us();
  auto recorded = store_.record(record_);
  if (!recorded) return recorded.error();
  return kDone;
}

Status Trail::end(const CallFacts& facts) {
  record_.phase = static_cast<std::uint8_t>(wire::AuditPhase::kOutcome);
  record_.at_us = now_us();
  record_.code = facts.code;
  record_.sqlstate = facts.sqlstate;
  record_.rows = facts.rows;
  record_.bytes = facts.bytes;
  record_.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(
                            std::chrono::steady_clock::now() - began_)
                            .count();
  auto recorded = store_.record(record_);
  if (!recorded) return recorded.error();
  return kDone;
}

}  // namespace lakehouse::worker::tools
