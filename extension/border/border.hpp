// SPDX-License-Identifier: PostgreSQL
// The only place that knows both longjmp and exceptions. Three doors:
//   serve()   up: around every function PostgreSQL can call; nothing C++ throws leaves it
//   call()    down: around a PostgreSQL call that may raise while C++ objects with destructors live
//   above it unwrap()  inside: turns the Error of a Result into the exception that serve() reports
// An error crosses whole, both ways: SQLSTATE, message, DETAIL, HINT, context.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "core/base/result.hpp"

struct ErrorData;

namespace lakehouse::border {

// A PostgreSQL error on its way through C++ frames; `data` lives in the memory context of the
// call().
struct PostgresError {
  ErrorData* data;
};

// One of our errors on its way through C++ frames.
struct Failed {
  Error error;
};

// What serve() carries out of its catch blocks: no destructor, so that raising can jump over it.
struct Raised {
  ErrorData* whole = nullptr;  // else the fields below
  char sqlstate[6] = "XX000";
  char message[1024] = "";
  char detail[2048] = "";
  char hint[1024] = "";
};

// Runs `body`; true if it returned, else `raised` says why not. Never throws.
bool attempt(void (*body)(void*), void* argument, Raised& raised) noexcept;

// ereport(ERROR) or the re-throw of a whole one. The caller's frame must hold nothing with a
// destructor.
[[noreturn]] void raise(const Raised& raised);

// PG_TRY around `body`; the error if it raised one, already flushed and copied, else nullptr.
ErrorData* run_guarded(void (*body)(void*), void* argument);

template <typename Body>
auto serve(Body&& body) {
  using Value = std::invoke_result_t<Body>;
  Raised raised;
  if constexpr (std::is_void_v<Value>) {
    auto run = [](void* argument) { (*static_cast<std::remove_reference_t<Body>*>(argument))(); };
    if (!attempt(run, &body, raised)) raise(raised);
  } else {
    static_assert(std::is_trivially_destructible_v<Value>);
    struct Frame {
      std::remove_reference_t<Body>* body;
      Value value;
    } frame{&body, Value{}};
    auto run = [](void* argument) {
      auto* inner = static_cast<Frame*>(argument);
      inner->value = (*inner->body)();
    };
    if (!attempt(run, &frame, raised)) raise(raised);
    return frame.value;
  }
}

// `body` may call PostgreSQL; it must neither throw nor hold anything with a destructor.
template <typename Body>
auto call(Body&& body) {
  using Value = std::invoke_result_t<Body>;
  if constexpr (std::is_void_v<Value>) {
    auto run = [](void* argument) { (*static_cast<std::remove_reference_t<Body>*>(argument))(); };
    if (ErrorData* data = run_guarded(run, &body)) throw PostgresError{data};
  } else {
    static_assert(std::is_trivially_destructible_v<Value>);
    struct Frame {
      std::remove_reference_t<Body>* body;
      Value value;
    } frame{&body, Value{}};
    auto run = [](void* argument) {
      auto* inner = static_cast<Frame*>(argument);
      inner->value = (*inner->body)();
    };
    if (ErrorData* data = run_guarded(run, &frame)) throw PostgresError{data};
    return frame.value;
  }
}

template <typename Value>
Value unwrap(Result<Value> result) {
  if (!result) throw Failed{std::move(result).error()};
  return std::move(result).value();
}

// The other way: what `body` throws of ours as a Result, for callers to whom a failure is an
// answer. A PostgresError passes through.
template <typename Body>
auto outcome_of(Body&& body) -> Result<std::invoke_result_t<Body>> {
  try {
    return body();
  } catch (Failed& failed) {
    return std::move(failed.error);
  }
}

// A C function pointer for PostgreSQL that runs `Function` inside serve().
template <auto Function>
struct Callback;
template <typename Value, typename... Arguments, Value (*Function)(Arguments...)>
struct Callback<Function> {
  static Value entry(Arguments... arguments) {
    return serve([&]() -> Value { return Function(arguments...); });
  }
};

}  // namespace lakehouse::border

// Defines an SQL-callable function whose body runs inside serve(). The name also stands in
// extension/exports.txt.
#define LAKEHOUSE_SQL_FUNCTION(name)                                                 \
  static Datum name##_body(FunctionCallInfo fcinfo);                                 \
  extern "C" {                                                                       \
  PGDLLEXPORT PG_FUNCTION_INFO_V1(name);                                             \
  Datum name(PG_FUNCTION_ARGS) {                                                     \
    return lakehouse::border::serve([&]() -> Datum { return name##_body(fcinfo); }); \
  }                                                                                  \
  }                                                                                  \
  static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
