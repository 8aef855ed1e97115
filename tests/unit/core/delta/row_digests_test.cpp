// SPDX-License-Identifier: PostgreSQL
// Digests agree exactly where rows, or keys, do.
#include "core/delta/row_digests.hpp"

#include "core/delta/built.hpp"

namespace lakehouse::delta {
namespace {

using test::built;
using test::schema_of;

const Type kText{.kind = TypeKind::kString};
const Type kWhole{.kind = TypeKind::kLong};
const Type kTexts{.kind = TypeKind::kString, .is_array = true};

Batch pairs(const std::vector<std::pair<const char*, const char*>>& rows) {
  return built(schema_of({{"a", kText}, {"b", kText}}), [&](BatchBuilder& builder) {
    for (const auto& [a, b] : rows) {
      for (const auto& [column, text] : {std::pair{0U, a}, std::pair{1U, b}}) {
        const Status appended =
            text == nullptr ? builder.append_null(column) : builder.append_text(column, text);
        EXPECT_TRUE(appended.is_ok());
      }
    }
  });
}

TEST(RowDigests, agree_exactly_where_rows_do) {
  const auto digests = row_digests(pairs({{"x", "y"},
                                          {"x", "y"},
                                          {"xy", ""},
                                          {"", "xy"},
                                          {nullptr, "xy"},
                                          {"x", nullptr},
                                          {"y", "x"}}));
  EXPECT_EQ(digests[0], digests[1]);
  for (std::size_t i = 1; i < digests.size(); ++i) {
    for (std::size_t j = i + 1; j < digests.size(); ++j) EXPECT_NE(digests[i], digests[j]);
  }
}

TEST(RowDigests, tell_where_one_element_of_an_array_ends) {
  const Batch batch = built(schema_of({{"a", kTexts}}), [](BatchBuilder& builder) {
    const auto add = [&](const std::vector<const char*>& elements) {
      EXPECT_TRUE(builder.open_array(0).is_ok());
      for (const char* element : elements) EXPECT_TRUE(builder.append_text(0, element).is_ok());
      builder.close_array(0);
    };
    add({"a", "b"});
    add({"ab"});
    add({});
    EXPECT_TRUE(builder.append_null(0).is_ok());
    add({"a", "b"});
  });
  const auto digests = row_digests(batch);
  EXPECT_EQ(digests[0], digests[4]);
  EXPECT_NE(digests[0], digests[1]);
  EXPECT_NE(digests[2], digests[3]);
}

TEST(KeyDigests, are_those_of_the_values_text) {
  const Batch batch = built(schema_of({{"a", kText}, {"b", kWhole}}), [](BatchBuilder& builder) {
    EXPECT_TRUE(builder.append_text(0, "k").is_ok());
    EXPECT_TRUE(builder.append_integer(1, -12).is_ok());
  });
  const std::vector<std::size_t> columns{1, 0};
  const std::vector<std::string> values{"-12", "k"};
  EXPECT_EQ(key_values(batch, columns, 0), values);
  const auto digests = key_digests(batch, columns);
  ASSERT_TRUE(digests.is_ok());
  EXPECT_EQ(digests->front(), key_digest(values));
}

TEST(KeyDigests, stay_the_same_for_ever) {
  // Filters that lie in databases hold them.
  EXPECT_EQ(key_digest(std::vector<std::string>{"00000000-0000-0000-0000-000000000001"}).low,
            0x2486BF1A5BAC20C8U);
}

TEST(KeyDigests, refuse_a_row_without_key) {
  const std::vector<std::size_t> columns{0};
  const auto digests = key_digests(pairs({{"x", "y"}, {nullptr, "z"}}), columns);
  ASSERT_FALSE(digests.is_ok());
  EXPECT_NE(digests.error().detail.find("\"a\""), std::string::npos);
}

TEST(Batch, takes_one_more_column_of_text) {
  const Column column{"kind", kText, false, 9, 0, ""};
  const auto wider = pairs({{"x", "y"}, {"z", nullptr}}).with_text(column, {"insert", "delete"});
  ASSERT_TRUE(wider.is_ok());
  EXPECT_EQ(wider->text(2, 1), "delete");
  EXPECT_EQ(wider->text(0, 1), "z");
}

}  // namespace
}  // namespace lakehouse::delta
