// SPDX-License-Identifier: PostgreSQL
// Token: something unguessable that is handed out once; the database gets its hash.
#pragma once

#include <string>
#include <string_view>

#include "core/base/credential.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"

namespace lakehouse::worker::oauth {

inline constexpr std::string_view kCodePrefix = "lkh_ac_";

struct Token {
  Secret text;
  std::string hash;  // SHA-256, 32 bytes
};

// Error: kInternal when the system has no random numbers.
Result<Token> make_token(std::string_view prefix);

std::string hash_of(std::string_view text);
// Takes as long whatever the difference.
bool is_same(std::string_view left, std::string_view right);

}  // namespace lakehouse::worker::oauth
