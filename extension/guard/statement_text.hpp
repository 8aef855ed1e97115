// SPDX-License-Identifier: PostgreSQL
// A statement as the audit log may keep it: which statement it was, without the values in it.
// Plain regime.
#pragma once

namespace lakehouse::guard {

// Of normalised text, in bytes of the server's encoding.
inline constexpr int kStatementTextLimit = 4096;
inline constexpr int kStatementHashSize = 32;

// The statement with $1, $2 … in place of its constants and parameters, one space for each stretch
// of white space and comments, without control and bidirectional characters, cut at
// kStatementTextLimit; of a long text only what its first 1 MiB says. "<unreadable>" if
// PostgreSQL's scanner can't read all of it, or the part before the cut. Palloc'd; raises only when
// memory runs out before the scan.
char* normalise_statement(const char* sql);

// SHA-256 of the text as it is; fills kStatementHashSize bytes.
void hash_statement(const char* sql, unsigned char* hash);

}  // namespace lakehouse::guard
