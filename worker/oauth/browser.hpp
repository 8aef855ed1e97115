// SPDX-License-Identifier: PostgreSQL
// What ties the pages of one sign-in to one browser: a hidden handle in each form, and a cookie
// that is only good with this handle. Both must be there, so another site can't post for a user,
// and a link can't hand a sign-in on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/http/message.hpp"
#include "worker/oauth/issuer.hpp"
#include "worker/oauth/store.hpp"

namespace lakehouse::worker::oauth {

// A Set-Cookie line: out of reach of scripts, other sites and, over https, of other hosts; ends
// with the sign-in.
std::string set_cookie(std::string_view handle, std::string_view value, const Issuer& issuer);
std::string clear_cookie(std::string_view handle, const Issuer& issuer);

// Nothing if the request has no cookie for this handle.
std::optional<Browser> browser_of(const http::Request& request, std::string_view handle,
                                  const Issuer& issuer);

// False if the request's headers say that another site's page sent it.
bool is_from_own_page(const http::Request& request, const Issuer& issuer);

}  // namespace lakehouse::worker::oauth
