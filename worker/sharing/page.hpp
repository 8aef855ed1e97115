// SPDX-License-Identifier: PostgreSQL
// The pages behind an activation link. Server-rendered, no script; nobody may frame them.
#pragma once

#include "worker/http/message.hpp"

namespace lakehouse::worker::sharing {

// Has one button, which posts to the page's own URL: what only looks at the link uses nothing up.
http::Response activation_page();
// Of a link that is unknown, used or too old: one answer for all.
http::Response dead_link_page();

}  // namespace lakehouse::worker::sharing
