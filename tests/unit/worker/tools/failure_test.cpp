// SPDX-License-Identifier: PostgreSQL
// What callers read of a failed statement.
#include "worker/tools/failure.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::test {
namespace {

using tools::Author;
using tools::Failure;

struct Meaning {
  const char* sqlstate;
  const char* of_catalog;
  const char* of_model;
  friend void PrintTo(const Meaning& tested, std::ostream* out) { *out << tested.sqlstate; }
};
class ToolFailure : public testing::TestWithParam<Meaning> {};

TEST_P(ToolFailure, has_a_code_by_its_sqlstate) {
  const db::Report report{GetParam().sqlstate, "m", "d", "h", 1};
  const Failure catalog = tools::failure_of(report, Author::kCatalog);
  EXPECT_EQ(catalog.code, GetParam().of_catalog);
  EXPECT_EQ(tools::failure_of(report, Author::kModel).code, GetParam().of_model);
  EXPECT_EQ(catalog.message + catalog.details + catalog.hint, "mdh");
}
INSTANTIATE_TEST_SUITE_P(States, ToolFailure,
                         testing::Values(Meaning{"P0002", "NOT_FOUND", "NOT_FOUND"},
                                         Meaning{"40001", "CONFLICT", "CONFLICT"},
                                         Meaning{"23505", "CONFLICT", "CONFLICT"},
                                         Meaning{"23503", "INVALID_ARGUMENT", "INVALID_ARGUMENT"},
                                         Meaning{"22023", "INVALID_ARGUMENT", "INVALID_QUERY"},
                                         Meaning{"22P02", "INVALID_ARGUMENT", "INVALID_QUERY"},
                                         Meaning{"42501", "FORBIDDEN", "FORBIDDEN"},
                                         Meaning{"42601", "UNAVAILABLE", "INVALID_QUERY"},
                                         Meaning{"42703", "UNAVAILABLE", "INVALID_QUERY"},
                                         Meaning{"57014", "TIMEOUT", "TIMEOUT"},
                                         Meaning{"53400", "RATE_LIMITED", "RATE_LIMITED"},
                                         Meaning{"53200", "UNAVAILABLE", "UNAVAILABLE"},
                                         Meaning{"08001", "UNAVAILABLE", "UNAVAILABLE"},
                                         Meaning{"HV00N", "UNAVAILABLE", "UNAVAILABLE"},
                                         Meaning{"HV000", "UNAVAILABLE", "UNAVAILABLE"},
                                         Meaning{"55000", "UNAVAILABLE", "UNAVAILABLE"}));

TEST(ToolFailureOfTheGuard, names_code_and_token) {
  const db::Report report{"42501", "function \"pg_sleep\" is refused (FUNCTION_NOT_ALLOW_LISTED)",
                          "It is not on the allow-list of agents.", "See the list.", 1};
  for (const Author author : {Author::kCatalog, Author::kModel}) {
    const Failure failure = tools::failure_of(report, author);
    EXPECT_EQ(failure.code, "INVALID_QUERY");
    EXPECT_EQ(failure.details,
              "FUNCTION_NOT_ALLOW_LISTED \"pg_sleep\": It is not on the allow-list of agents.");
    EXPECT_EQ(failure.hint, "See the list.");
  }
}

TEST(ToolFailureOfTheGuard, keeps_a_token_with_quotation_marks) {
  const db::Report report{"42501", "table \"a\"b\" is refused (TABLE_NOT_ALLOW_LISTED)", "", "", 1};
  EXPECT_EQ(tools::failure_of(report, Author::kModel).details, "TABLE_NOT_ALLOW_LISTED \"a\"b\"");
}

TEST(ToolFailureOfTheGuard, is_told_by_codes_of_the_guard_only) {
  EXPECT_EQ(tools::guard_code_of({"25006", "text is refused (MULTI_STATEMENT)", "", "", 1}),
            "MULTI_STATEMENT");
  EXPECT_EQ(tools::guard_code_of({"25006", "text is refused (OTHER)", "", "", 1}), "");
  EXPECT_EQ(tools::guard_code_of({"25006", "MULTI_STATEMENT", "", "", 1}), "");
}

TEST(ToolFailureOfOurs, hides_what_went_wrong_inside) {
  const Failure failure = tools::failure_of(
      {"XX000", "cache lookup failed for type 4711", "x", "y", 1}, Author::kCatalog);
  EXPECT_EQ(failure.code, "UNAVAILABLE");
  EXPECT_EQ(failure.message.find("4711"), std::string::npos);
}

}  // namespace
}  // namespace lakehouse::worker::test
