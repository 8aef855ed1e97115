// SPDX-License-Identifier: PostgreSQL
// Cells: takes the values of a row, as PostgreSQL sends them in binary, into a batch under way.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/delta/batch.hpp"
#include "core/delta/schema.hpp"

namespace lakehouse::worker::publish {

class Cells {
 public:
  // `types`: for each column of `schema` the object id of the type that PostgreSQL sends. Errors:
  // kTypeNotSupported.
  static Result<Cells> open(const delta::Schema& schema, const std::vector<std::uint32_t>& types);

  // Errors: kValueOutOfRange with the column in the detail (infinity, NaN, a year that no reader
  // takes, a null where none may be), kInternal (not of that type).
  Status append(delta::BatchBuilder& builder, std::size_t column, std::string_view bytes) const;

  std::size_t columns() const noexcept { return plans_.size(); }

 private:
  using Read = Status (*)(const delta::Column& column, delta::BatchBuilder& builder,
                          std::size_t place, std::string_view bytes);
  struct Plan {
    delta::Column column;
    Read read = nullptr;
    std::uint32_t element = 0;  // of an array: the type that its elements must have
  };

  static Read reader_of(const delta::Type& type, std::uint32_t sent);
  static Status append_array(const Plan& plan, delta::BatchBuilder& builder, std::size_t place,
                             std::string_view bytes);

  std::vector<Plan> plans_;
};

}  // namespace lakehouse::worker::publish
