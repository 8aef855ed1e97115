// SPDX-License-Identifier: PostgreSQL
// Walks the bytes of a pattern; the escape is ASCII, so multibyte characters pass through whole.
#include "extension/fdw/pattern.hpp"

namespace lakehouse::fdw {

bool is_common_pattern(Node* node) {
  if (!IsA(node, Const)) return false;
  const auto* pattern = reinterpret_cast<Const*>(node);
  if (pattern->constisnull || pattern->consttype != TEXTOID) return false;
  for (const char* at = TextDatumGetCString(pattern->constvalue); *at != '\0'; ++at) {
    if (*at == '\\' && *++at == '\0') return false;
  }
  return true;
}

Const* normalise_pattern(const Const* pattern) {
  StringInfoData kept;
  initStringInfo(&kept);
  for (const char* at = TextDatumGetCString(pattern->constvalue); *at != '\0'; ++at) {
    if (*at == '\\') {
      ++at;
      if (*at == '%' || *at == '_' || *at == '\\') appendStringInfoChar(&kept, '\\');
    }
    appendStringInfoChar(&kept, *at);
  }
  return makeConst(TEXTOID, -1, pattern->constcollid, -1, CStringGetTextDatum(kept.data), false,
                   false);
}

}  // namespace lakehouse::fdw
