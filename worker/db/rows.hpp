// SPDX-License-Identifier: PostgreSQL
// The rows of a result, and Row: reads one row's columns left to right, and says at the end whether
// all of them were what the reader took them for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

struct pg_result;

namespace lakehouse::worker::db {

class Row {
 public:
  std::string text();  // text, varchar, name, or an enum; not NULL
  std::optional<std::string> text_or_null();
  std::int64_t integer();                      // int2, int4, int8; not NULL
  std::optional<std::string> bytes_or_null();  // bytea
  // After the last column. Errors: kInternal, naming the first column that did not fit.
  Status finish() const;

 private:
  friend class Rows;
  Row(const pg_result* result, int row) : result_(result), row_(row) {}
  enum class Kind { kText, kInteger, kBytes };
  std::optional<std::string_view> next(Kind kind);
  std::string_view next_not_null(Kind kind);
  void refuse();

  const pg_result* result_;
  int row_;
  int column_ = 0;
  int refused_column_ = -1;
};

class Rows {
 public:
  explicit Rows(pg_result* result);
  int count() const;
  std::uint64_t changed_count() const;  // of INSERT, UPDATE, DELETE
  Row row(int index) const { return {result_.get(), index}; }

  // As the server has them; cells are as it was asked for them, text or binary.
  int column_count() const;
  std::string_view column_name(int column) const;
  std::uint32_t column_type(int column) const;  // object id
  std::optional<std::string_view> cell(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace lakehouse::worker::db
