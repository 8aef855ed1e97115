// SPDX-License-Identifier: PostgreSQL
// Whole pages of their own, so that locking and wiping touch nobody else's data.
#include "core/vault/locked_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace lakehouse::vault {

Result<LockedMemory> LockedMemory::allocate(std::size_t size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t rounded = (size + page - 1) / page * page;
  void* const start =
      mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return Error{ErrorCode::kOutOfMemory, "out of memory", "", ""};
  LockedMemory memory(static_cast<unsigned char*>(start), rounded);
  if (mlock(start, rounded) != 0 || madvise(start, rounded, MADV_DONTDUMP) != 0) {
    return Error{ErrorCode::kOutOfMemory, "could not lock memory for the master keys",
                 std::string("The system says: ") + std::strerror(errno) + ".",
                 "Raise the limit of locked memory (ulimit -l) of this process."};
  }
  return memory;
}

LockedMemory::~LockedMemory() {
  if (start_ == nullptr) return;
  explicit_bzero(start_, size_);
  munmap(start_, size_);
}

}  // namespace lakehouse::vault
