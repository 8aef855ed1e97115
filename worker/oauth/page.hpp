// SPDX-License-Identifier: PostgreSQL
// The pages that users see: sign-in, consent, and what went wrong. Server-rendered, no script; all
// text is escaped; nobody may frame them.
#pragma once

#include <string>
#include <string_view>

#include "worker/http/message.hpp"
#include "worker/oauth/store.hpp"

namespace lakehouse::worker::oauth {

struct SignInPage {
  std::string handle;         // hidden field
  std::string error;          // empty: none yet
  std::string email, tenant;  // as typed before
};
http::Response sign_in_page(int status, const SignIn& sign_in, const SignInPage& page);
http::Response consent_page(const SignIn& sign_in, std::string_view handle);
// A dead end: the user can't be sent back, since it is not known where to.
http::Response error_page(int status, std::string_view title, std::string_view text);
// Of a sign-in that is over, or another browser's.
http::Response expired_page();

http::Response style_sheet();

}  // namespace lakehouse::worker::oauth
