// SPDX-License-Identifier: PostgreSQL
// Searches in the sorted tables that tools/allow-list makes.
#include "extension/guard/allow_list.hpp"

#include <algorithm>
#include <array>

namespace lakehouse::guard {
namespace {

#include "extension/guard/allow_list_data.inc"

static_assert(std::ranges::is_sorted(kFunctions) && std::ranges::is_sorted(kSupportFunctions));
static_assert(std::ranges::is_sorted(kTypes) && std::ranges::is_sorted(kConstantTypes));
static_assert(std::ranges::is_sorted(kBounds, {}, &ArgumentBound::function));
static_assert(std::ranges::is_sorted(kSizeCaps, {}, &SizeCaps::function));

}  // namespace

bool is_function_allowed(Oid function) { return std::ranges::binary_search(kFunctions, function); }

bool is_support_function(Oid function) {
  return std::ranges::binary_search(kSupportFunctions, function);
}

bool is_type_allowed(Oid type) { return std::ranges::binary_search(kTypes, type); }

bool is_constant_type_allowed(Oid type) {
  return is_type_allowed(type) || std::ranges::binary_search(kConstantTypes, type);
}

std::span<const ArgumentBound> find_bounds(Oid function) {
  // Not equal_range: clang 14 can't compile what GCC 12's library returns.
  return {std::ranges::lower_bound(kBounds, function, {}, &ArgumentBound::function),
          std::ranges::upper_bound(kBounds, function, {}, &ArgumentBound::function)};
}

const SizeCaps* find_size_caps(Oid function) {
  const auto* found = std::ranges::lower_bound(kSizeCaps, function, {}, &SizeCaps::function);
  return found != kSizeCaps.end() && found->function == function ? found : nullptr;
}

std::span<const Oid> allowed_functions() { return kFunctions; }

}  // namespace lakehouse::guard
