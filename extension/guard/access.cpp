// SPDX-License-Identifier: PostgreSQL
// Catches what stands in no query tree: fast-path calls, and functions inside checks and casts.
#include "extension/guard/access.hpp"

#include "extension/guard/allow_list.hpp"
#include "extension/guard/identity.hpp"
#include "extension/guard/limits.hpp"
#include "extension/guard/refusal.hpp"
#include "extension/guard/size.hpp"

namespace lakehouse::guard {
namespace {

// Process-wide by nature, as hooks are.
object_access_hook_type previous_access;

void watch(ObjectAccessType access, Oid class_id, Oid object, int sub_object, void* argument) {
  if (previous_access != nullptr) previous_access(access, class_id, object, sub_object, argument);
  // The first name that a session looks up: nothing else is called before a statement is analysed.
  if (access == OAT_NAMESPACE_SEARCH && rehearsal_depth == 0 &&
      current_strength() == Strength::kAgent)
    apply_agent_limits();
  if (access != OAT_FUNCTION_EXECUTE || is_function_allowed(object) ||
      is_support_function(object) || current_strength() != Strength::kAgent ||
      object == size_limiter())
    return;
  const char* name = get_func_name(object);
  refuse(function_refusal(name != nullptr ? name : "?"));
}

}  // namespace

void install_access_hook() {
  previous_access = object_access_hook;
  object_access_hook = watch;
}

}  // namespace lakehouse::guard
