// SPDX-License-Identifier: PostgreSQL
// Catching, copying out, and raising. Each step is its own function, never inlined, so that it is
// plain which frame owns which object when a jump passes.
#include "extension/border/border.hpp"

#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::border {
namespace {

// Cut at a character's edge: a half character would make the message itself an encoding error.
template <std::size_t Size>
void copy_text(char (&target)[Size], std::string_view text) noexcept {
  std::size_t length = text.size() < Size ? text.size() : Size - 1;
  while (length < text.size() && length > 0 &&
         (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U)
    --length;
  std::memcpy(target, text.data(), length);
  target[length] = '\0';
}

void copy_error(Raised& raised, const Error& error) noexcept {
  copy_text(raised.sqlstate, facts_of(error.code).sqlstate);
  copy_text(raised.message, error.message);
  copy_text(raised.detail, error.detail);
  copy_text(raised.hint, error.hint);
}

}  // namespace

bool attempt(void (*body)(void*), void* argument, Raised& raised) noexcept {
  try {
    body(argument);
    return true;
  } catch (const PostgresError& error) {
    raised.whole = error.data;
  } catch (const Failed& failed) {
    copy_error(raised, failed.error);
  } catch (const std::bad_alloc&) {
    copy_text(raised.sqlstate, facts_of(ErrorCode::kOutOfMemory).sqlstate);
    copy_text(raised.message, "out of memory");
  } catch (const std::exception& error) {
    copy_text(raised.message, "unexpected internal error");
    copy_text(raised.detail, error.what());
  } catch (...) {
    copy_text(raised.message, "unexpected internal error");
  }
  return false;
}

void raise(const Raised& raised) {
  if (raised.whole != nullptr) ReThrowError(raised.whole);
  const char* state = raised.sqlstate;
  ereport(ERROR, (errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
                  errmsg_internal("%s", raised.message),
                  raised.detail[0] != '\0' ? errdetail_internal("%s", raised.detail) : 0,
                  raised.hint[0] != '\0' ? errhint("%s", raised.hint) : 0));
  pg_unreachable();
}

ErrorData* run_guarded(void (*body)(void*), void* argument) {
  MemoryContext caller = CurrentMemoryContext;
  ErrorData* volatile raised = nullptr;
  PG_TRY();
  { body(argument); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(caller);
    raised = CopyErrorData();
    FlushErrorState();
  }
  PG_END_TRY();
  return raised;
}

}  // namespace lakehouse::border
