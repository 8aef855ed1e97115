// SPDX-License-Identifier: PostgreSQL
// Memory for keys: never swapped out, never in a core dump, wiped before it is given back.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "core/base/result.hpp"

namespace lakehouse::vault {

class LockedMemory {
 public:
  // At least `size` bytes, zero. Error: kOutOfMemory if the limit of lockable memory is reached.
  static Result<LockedMemory> allocate(std::size_t size);

  ~LockedMemory();
  LockedMemory(LockedMemory&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  LockedMemory& operator=(LockedMemory other) noexcept {
    std::swap(start_, other.start_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::span<unsigned char> bytes() const noexcept { return {start_, size_}; }

 private:
  LockedMemory(unsigned char* start, std::size_t size) : start_(start), size_(size) {}

  unsigned char* start_;
  std::size_t size_;
};

}  // namespace lakehouse::vault
