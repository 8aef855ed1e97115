// SPDX-License-Identifier: PostgreSQL
// Percent-encoding as Signature Version 4 wants it: what is signed and what is sent are one text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lakehouse::s3 {

struct Parameter {
  std::string name, value;  // not encoded
};

// All bytes but letters, digits, "-._~" and '/'.
std::string encode_path(std::string_view path);
// "a=b&c=", sorted by encoded names, then values.
std::string encode_query(const std::vector<Parameter>& parameters);

}  // namespace lakehouse::s3
