// SPDX-License-Identifier: PostgreSQL
// Text between PostgreSQL's datums and C++ views. Nothing here owns memory. Include after the
// prelude.
#pragma once

#include <string_view>

#include "extension/postgres/prelude.hpp"

namespace lakehouse::postgres {

// A view into the (detoasted, palloc'd if needed) datum.
inline std::string_view view_of(const text* value) {
  return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

inline Datum text_datum(std::string_view value) {
  return PointerGetDatum(cstring_to_text_with_len(value.data(), static_cast<int>(value.size())));
}

inline void append(StringInfo target, std::string_view value) {
  appendBinaryStringInfo(target, value.data(), static_cast<int>(value.size()));
}

}  // namespace lakehouse::postgres
