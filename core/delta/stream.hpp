// SPDX-License-Identifier: PostgreSQL
// Where the bytes of a file go, and where they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/result.hpp"

namespace lakehouse::delta {

class Sink {
 public:
  virtual ~Sink() = default;
  // Takes all bytes or fails; after a failure nothing more is written.
  virtual Status write(std::span<const std::byte> bytes) = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual std::int64_t bytes() const = 0;
  // Fills `into` from `offset` on; less than that only at the end of the file. Returns the number
  // of bytes. May be called by several threads at once.
  virtual Result<std::size_t> read(std::int64_t offset, std::span<std::byte> into) const = 0;
};

}  // namespace lakehouse::delta
