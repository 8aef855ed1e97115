// SPDX-License-Identifier: PostgreSQL
// Binary cells of a libpq result, checked against the type that the server announced.
#include "worker/db/rows.hpp"

#include <libpq-fe.h>

#include <cstdlib>

namespace lakehouse::worker::db {
namespace {

// Object ids of built-in types, fixed in the server's catalog.
constexpr Oid kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23;

// Network byte order, two's complement, 2, 4 or 8 bytes.
std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t number = (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0 ? ~0ULL : 0;
  for (const char byte : bytes) number = (number << 8U) | static_cast<unsigned char>(byte);
  return static_cast<std::int64_t>(number);
}

bool is_integer(Oid type) { return type == kInt8 || type == kInt4 || type == kInt2; }

}  // namespace

std::string Row::text() { return std::string(next_not_null(Kind::kText)); }

std::optional<std::string> Row::text_or_null() {
  const auto cell = next(Kind::kText);
  return cell ? std::optional<std::string>(*cell) : std::nullopt;
}

std::int64_t Row::integer() {
  const std::string_view cell = next_not_null(Kind::kInteger);
  return cell.empty() ? 0 : big_endian(cell);
}

std::optional<std::string> Row::bytes_or_null() {
  const auto cell = next(Kind::kBytes);
  return cell ? std::optional<std::string>(*cell) : std::nullopt;
}

Status Row::finish() const {
  const int refused = refused_column_ >= 0            ? refused_column_
                      : column_ != PQnfields(result_) ? column_
                                                      : -1;
  if (refused < 0) return kDone;
  const char* name = PQfname(result_, refused);
  return Error{ErrorCode::kInternal, "unexpected result from the database",
               std::string("Column \"") + (name == nullptr ? "" : name) +
                   "\" is missing or not of the expected type.",
               "Bring extension and worker to one version."};
}

std::string_view Row::next_not_null(Kind kind) {
  const auto cell = next(kind);
  if (!cell) {
    --column_;
    refuse();
    ++column_;
  }
  return cell.value_or(std::string_view());
}

std::optional<std::string_view> Row::next(Kind kind) {
  if (column_ >= PQnfields(result_)) {
    refuse();
    ++column_;
    return std::nullopt;
  }
  const Oid type = PQftype(result_, column_);
  const bool fits = kind == Kind::kInteger ? is_integer(type)
                    : kind == Kind::kBytes ? type == kBytea
                                           : type != kBytea && !is_integer(type);
  if (!fits) refuse();
  const int column = column_++;
  if (!fits || PQgetisnull(result_, row_, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(result_, row_, column),
                          static_cast<std::size_t>(PQgetlength(result_, row_, column)));
}

void Row::refuse() {
  if (refused_column_ < 0) refused_column_ = column_;
}

Rows::Rows(pg_result* result) : result_(result) {}

int Rows::count() const { return PQntuples(result_.get()); }

std::uint64_t Rows::changed_count() const {
  return std::strtoull(PQcmdTuples(result_.get()), nullptr, 10);
}

int Rows::column_count() const { return PQnfields(result_.get()); }

std::string_view Rows::column_name(int column) const { return PQfname(result_.get(), column); }

std::uint32_t Rows::column_type(int column) const { return PQftype(result_.get(), column); }

std::optional<std::string_view> Rows::cell(int row, int column) const {
  if (PQgetisnull(result_.get(), row, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(result_.get(), row, column),
                          static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
}

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

}  // namespace lakehouse::worker::db
