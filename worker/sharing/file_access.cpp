// SPDX-License-Identifier: PostgreSQL
// The map is thrown away when it is full: it holds what half a second asked for.
#include "worker/sharing/file_access.hpp"

namespace lakehouse::worker::sharing {
namespace {

constexpr std::size_t kMostKnown = 4096;

}  // namespace

Result<std::optional<Store::FilePlace>> FileAccess::find(const SignedUrls::Claim& claim,
                                                         const std::string& address,
                                                         const Context& context) {
  const Key key{claim.token_id, claim.share_id, claim.table_id, address};
  if (const auto known = recall(key)) return known->place;
  const auto asked_at = Clock::now();
  auto place = store_.admit_file(claim.token_id, claim.share_id, claim.table_id, address, context);
  if (!place) return place.error();
  const std::scoped_lock lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  known_.insert_or_assign(key, Known{asked_at, *place});
  return place;
}

std::optional<FileAccess::Known> FileAccess::recall(const Key& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(key);
  if (found == known_.end() || Clock::now() - found->second.asked_at > kFresh) return std::nullopt;
  return found->second;
}

}  // namespace lakehouse::worker::sharing
