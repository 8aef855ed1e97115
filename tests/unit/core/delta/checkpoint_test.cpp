// SPDX-License-Identifier: PostgreSQL
// What a checkpoint says of itself, and how it fails; its content is read by others in tests/delta.
#include "core/delta/checkpoint.hpp"

#include <gtest/gtest.h>

#include "tests/unit/core/delta/memory_file.hpp"

namespace lakehouse::delta::test {
namespace {

TableState state_of(int files) {
  TableState state;
  state.metadata.id = "id";
  state.transactions = {{"lakehouse", 1, 2}};
  for (int i = 0; i < files; ++i) {
    state.files.push_back({std::to_string(i) + ".parquet", 1, 2, DataChange::kYes, "{}"});
  }
  state.removed = {{"gone.parquet", 1, 2, DataChange::kYes}};
  return state;
}

TEST(DeltaCheckpoint, counts_its_actions) {
  MemoryFile file;
  // More files than are written at a time.
  const auto written = write_checkpoint(state_of(10'005), 8, file);
  ASSERT_TRUE(written.is_ok());
  EXPECT_EQ(written->version, 8);
  EXPECT_EQ(written->adds, 10'005);
  EXPECT_EQ(written->actions, 10'009);
  EXPECT_EQ(written->bytes, file.bytes());
}

TEST(DeltaCheckpoint, a_failing_sink_is_named_and_gets_no_footer) {
  MemoryFile file;
  file.set_room(100);
  const auto written = write_checkpoint(state_of(10), 8, file);
  ASSERT_FALSE(written.is_ok());
  EXPECT_EQ(written.error().message, "no room left");
  EXPECT_FALSE(file.content().ends_with("PAR1") && file.bytes() > 4);
}

}  // namespace
}  // namespace lakehouse::delta::test
