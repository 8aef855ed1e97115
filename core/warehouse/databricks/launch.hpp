// SPDX-License-Identifier: PostgreSQL
// Hands one statement to the service and comes back with its id. A caller who is stopped in between
// leaves at once; the statement that its request may still start is cancelled and closed as soon as
// its id is known.
#pragma once

#include <memory>
#include <string>

#include "core/warehouse/databricks/answer.hpp"
#include "core/warehouse/databricks/workspace.hpp"

namespace lakehouse::warehouse::databricks {

enum class Disposition : std::uint8_t { kInline, kExternalLinks };

struct Launched {
  StatementAnswer answer;
  std::string body;  // the answer's text: INLINE rows lie in it
  std::uint64_t wire_bytes = 0;
  Disposition disposition = Disposition::kExternalLinks;
};

// Tries the other disposition if the service refuses `disposition` right away, and a new session if
// it forgot ours.
Result<Launched> launch(const std::shared_ptr<Workspace>& workspace, const Query& query,
                        Disposition disposition, const Context& context);

// INLINE for a result that is provably small, else EXTERNAL_LINKS.
Disposition disposition_for(const Query& query, const Workspace& workspace);

// Cancels (if asked to) and then closes a statement, without waiting. `done` runs when the service
// has answered or the time is over; it may be empty.
enum class Ending : std::uint8_t { kCancelAndClose, kClose };
void end_statement(const std::shared_ptr<Api>& api, const std::string& id, Ending ending,
                   Deadline deadline, std::function<void()> done);

}  // namespace lakehouse::warehouse::databricks
