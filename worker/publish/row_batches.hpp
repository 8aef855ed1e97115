// SPDX-License-Identifier: PostgreSQL
// RowBatches: gathers rows as PostgreSQL sends them into batches of bounded size.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "core/base/result.hpp"
#include "core/delta/batch.hpp"
#include "worker/db/rows.hpp"
#include "worker/publish/cells.hpp"

namespace lakehouse::worker::publish {

class RowBatches {
 public:
  using Take = std::function<Status(const delta::Batch&)>;

  // References outlive it.
  RowBatches(const delta::Schema& schema, const Cells& cells, const Take& take)
      : cells_(cells), take_(take), builder_(schema) {}

  // A message of COPY … TO STDOUT (FORMAT BINARY): whole rows, as the server sends them. Source:
  // PostgreSQL, COPY, "Binary Format". Errors: those of Cells::append(), kCapExceeded (a row too
  // large), kInternal (malformed).
  Status add_copied(std::string_view message);
  // The one row of a result.
  Status add_row(const db::Rows& row);

  // Hands over what is left.
  Status finish();

 private:
  Status add_fields(std::string_view& message);
  Status add_field(std::size_t column, std::optional<std::string_view> bytes);
  Status end_row();
  Status hand_over();

  const Cells& cells_;
  const Take& take_;
  delta::BatchBuilder builder_;
  std::int64_t rows_ = 0;
  bool has_begun_ = false;  // the header was there
};

}  // namespace lakehouse::worker::publish
