// SPDX-License-Identifier: PostgreSQL
// The lines of a commit.
#include "core/delta/action.hpp"

#include <gtest/gtest.h>

namespace lakehouse::delta {
namespace {

TEST(DeltaAction, protocol_asks_readers_for_version_1_only) {
  EXPECT_EQ(line_of(Protocol{}),
            "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":4}}\n");
}

TEST(DeltaAction, metadata_quotes_the_schema) {
  Metadata metadata;
  metadata.id = "a-b";
  metadata.schema_json = R"({"type":"struct"})";
  metadata.configuration = {{"delta.enableChangeDataFeed", "true"}, {"x", "\n"}};
  metadata.created_ms = 17;
  EXPECT_EQ(line_of(metadata),
            "{\"metaData\":{\"id\":\"a-b\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"
            "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\"}\",\"partitionColumns\":[],"
            "\"configuration\":{\"delta.enableChangeDataFeed\":\"true\",\"x\":\"\\u000a\"},"
            "\"createdTime\":17}}\n");
  metadata.name = "n";
  metadata.description = "d";
  EXPECT_NE(line_of(metadata).find(R"("id":"a-b","name":"n","description":"d","format")"),
            std::string::npos);
}

TEST(DeltaAction, files_have_encoded_paths_and_sizes) {
  const AddFile add{"a b/ü%.parquet", 10, 20, DataChange::kNo, R"({"numRecords":1})"};
  EXPECT_EQ(line_of(add),
            "{\"add\":{\"path\":\"a%20b/%C3%BC%25.parquet\",\"partitionValues\":{},\"size\":10,"
            "\"modificationTime\":20,\"dataChange\":false,"
            "\"stats\":\"{\\\"numRecords\\\":1}\"}}\n");
  EXPECT_EQ(line_of(RemoveFile{"x.parquet", 10, 30, DataChange::kYes}),
            "{\"remove\":{\"path\":\"x.parquet\",\"deletionTimestamp\":30,\"dataChange\":true,"
            "\"extendedFileMetadata\":true,\"partitionValues\":{},\"size\":10}}\n");
  EXPECT_EQ(line_of(ChangeFile{"_change_data/x.parquet", 10}),
            "{\"cdc\":{\"path\":\"_change_data/x.parquet\",\"partitionValues\":{},\"size\":10,"
            "\"dataChange\":false}}\n");
}

TEST(DeltaAction, transactions_and_commits_say_who_and_when) {
  EXPECT_EQ(line_of(Transaction{"lakehouse", 7, 40}),
            "{\"txn\":{\"appId\":\"lakehouse\",\"version\":7,\"lastUpdated\":40}}\n");
  EXPECT_EQ(line_of(CommitInfo{50, "WRITE", {{"mode", "Append"}}, "lakehouse/1"}),
            "{\"commitInfo\":{\"timestamp\":50,\"operation\":\"WRITE\","
            "\"operationParameters\":{\"mode\":\"Append\"},\"engineInfo\":\"lakehouse/1\"}}\n");
}

TEST(DeltaAction, log_files_have_twenty_digits) {
  EXPECT_EQ(commit_name(0), "_delta_log/00000000000000000000.json");
  EXPECT_EQ(commit_name(9223372036854775807), "_delta_log/09223372036854775807.json");
  EXPECT_EQ(checkpoint_name(12), "_delta_log/00000000000000000012.checkpoint.parquet");
  EXPECT_EQ(last_checkpoint_json({12, 5, 3, 1000}),
            "{\"version\":12,\"size\":5,\"sizeInBytes\":1000,\"numOfAddFiles\":3}\n");
}

}  // namespace
}  // namespace lakehouse::delta
