// SPDX-License-Identifier: PostgreSQL
// ChangedKeys: keys of a table whose rows may have changed, with what is learned of them: whether
// there was a row, whether there is one now, and whether they differ. Bounded in number and bytes.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/result.hpp"
#include "core/delta/digest.hpp"
#include "worker/db/connection.hpp"
#include "worker/publish/table.hpp"

namespace lakehouse::worker::publish {

// More keys than these, and a table is rather loaded anew.
inline constexpr std::size_t kMostChangedKeys = 500'000;

class ChangedKeys {
 public:
  struct Key {
    bool was_there = false;
    bool is_there = false;
    bool is_same = false;  // both, and the rows are equal
    delta::Digest old_row;

    bool is_changed() const noexcept { return was_there != is_there || (was_there && !is_same); }
    bool is_updated() const noexcept { return was_there && is_there && !is_same; }
  };
  using Keys = std::vector<std::vector<std::string>>;  // a list for each column of the key

  explicit ChangedKeys(std::size_t columns) : texts_(columns) {}

  // False: there are too many. A key comes in once, however often it is added.
  bool add(const std::vector<std::string>& values);
  // A key that no row has any more.
  bool add_gone(const delta::Digest& digest);

  Key* find(const delta::Digest& digest);

  // low halves of the keys' digests, sorted: of those that no old row was found for.
  std::vector<std::uint64_t> unfound_hashes() const;
  // Of those that have changed.
  std::vector<std::uint64_t> changed_hashes() const;

  // Texts of keys from the `first` one on, at most so many, of those that may have a row now; empty
  // after the last.
  Keys slice(std::size_t first, std::size_t count) const;

  std::size_t size() const noexcept { return keys_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const delta::Digest& digest) const noexcept { return digest.low; }
  };
  template <typename Wanted>
  std::vector<std::uint64_t> hashes(Wanted wanted) const;

  std::unordered_map<delta::Digest, Key, Hash> keys_;
  Keys texts_;
  std::size_t bytes_ = 0;
};

// What has been noted of a table since it was last published.
struct Captured {
  std::int64_t notes = 0;
  bool is_everything = false;  // every row may have changed, or too many keys
  ChangedKeys keys;
};

// As the snapshot of `connection` sees them.
Result<Captured> read_captured(db::Connection& connection, const Table& table,
                               const Context& context);
// The same ones.
Status forget_captured(db::Connection& connection, const Table& table, const Context& context);

}  // namespace lakehouse::worker::publish
