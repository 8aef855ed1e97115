// SPDX-License-Identifier: PostgreSQL
// Rows from JSON text: every well-formed form, and an error for everything else.
#include "core/warehouse/json_rows.hpp"

#include <gtest/gtest.h>

#include "core/http/client.hpp"
#include "core/wire/batch_view.hpp"

namespace lakehouse::warehouse {
namespace {

using wire::CellType;

// The rows as text: cells joined by '|', NULL as ~, rows by ';'.
struct Reading {
  std::string rows;
  std::size_t batches = 0;
  std::optional<Error> error;
};

Reading read(const RowFormat& format, std::string json) {
  // Behind the text stands what could be taken for more of it, were it believed.
  const std::size_t size = json.size();
  json += "]]]]\"\"\"\",,,,[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
  std::vector<CellType> types;
  for (const OutputColumn& column : format.columns) types.push_back(column.type);
  Reading reading;
  JsonRows rows(format);
  Status opened = rows.open(std::string_view(json).substr(0, size));
  if (!opened) return reading.error = opened.error(), reading;
  for (;;) {
    auto batch = rows.next();
    if (!batch) return reading.error = batch.error(), reading;
    if (!*batch) return reading;
    ++reading.batches;
    const auto view = wire::BatchView::parse((*batch)->bytes, types);
    if (!view) return reading.error = view.error(), reading;
    EXPECT_EQ(view->row_count(), (*batch)->row_count);
    for (std::uint32_t row = 0; row < view->row_count(); ++row) {
      for (std::size_t i = 0; i < types.size(); ++i) {
        if (i > 0) reading.rows += '|';
        reading.rows += view->is_null(i, row) ? "~" : std::string(view->payload(i, row));
      }
      reading.rows += ';';
    }
  }
}

RowFormat texts(std::size_t columns) {
  RowFormat format;
  format.columns.resize(columns);
  return format;
}

Reading read_texts(std::size_t columns, std::string json) {
  return read(texts(columns), std::move(json));
}

void expect_rows(std::size_t columns, const std::string& json, std::string_view rows) {
  const Reading reading = read_texts(columns, json);
  EXPECT_FALSE(reading.error) << json << ": " << reading.error->detail;
  EXPECT_EQ(reading.rows, rows) << json;
}

void expect_invalid(std::size_t columns, const std::string& json) {
  const Reading reading = read_texts(columns, json);
  ASSERT_TRUE(reading.error) << json << " gave " << reading.rows;
  EXPECT_EQ(reading.error->code, ErrorCode::kInvalidResponse) << json;
}

TEST(JsonRows, reads_rows) {
  expect_rows(2, R"([["1","a"],["2",null],[null,""]])", "1|a;2|~;~|;");
  expect_rows(1, "[]", "");
  expect_rows(1, " [ ] \n", "");
}

TEST(JsonRows, allows_blanks_between_tokens) {
  expect_rows(2, " \r\n[\t[ \"1\" , null ]\n, [\"2\",\"b\"] ]  ", "1|~;2|b;");
}

TEST(JsonRows, undoes_escapes) {
  expect_rows(1, R"([["a\"b\\c\/d\b\f\n\r\t"]])", "a\"b\\c/d\b\f\n\r\t;");
  expect_rows(1, R"([["\u00e4\ud83d\ude00\u4e2d"]])", "ä😀中;");
  expect_rows(2, R"([["\\","\""]])", "\\|\";");
  expect_rows(1, R"([["a long text whose escape stands behind the first blocks: \" and more"]])",
              "a long text whose escape stands behind the first blocks: \" and more;");
}

TEST(JsonRows, keeps_what_looks_like_json_in_a_string) {
  expect_rows(2, R"([["],[","null"],["{}","\"],[\""]])", "],[|null;{}|\"],[\";");
}

TEST(JsonRows, reads_strings_of_every_length) {
  for (std::size_t length = 0; length < 70; ++length) {
    const std::string text(length, 'x');
    expect_rows(2, "[[\"" + text + "\",\"y\"]]", text + "|y;");
  }
}

TEST(JsonRows, refuses_another_number_of_cells) {
  expect_invalid(2, R"([["1","2"],["1"]])");
  expect_invalid(2, R"([["1","2"],["1","2","3"]])");
  expect_invalid(1, R"([[]])");
  expect_invalid(0, R"([["1"]])");
}

TEST(JsonRows, refuses_cells_of_another_kind) {
  for (const char* cell :
       {"1", "true", "{}", "[]", "nul", "nulls", "NULL", "'a'", "", "\"a\"\"b\"", "\"a\"b"}) {
    expect_invalid(1, std::string("[[") + cell + "]]");
  }
}

TEST(JsonRows, refuses_rows_out_of_shape) {
  for (const char* json : {"", "{}", "null", "[", "[[", "[null]", "[\"a\"]", "[[\"a\"],]",
                           "[,[\"a\"]]", "[[\"a\",]]", "[[\"a\"]]]", "[[\"a\"]] x",
                           "[[\"a\"] [\"b\"]]", "[[\"a\"]", "[[\"a\"],[\"b\"]}", "[[,\"a\"]]"}) {
    expect_invalid(1, json);
  }
}

TEST(JsonRows, refuses_bad_escapes_and_bare_control_characters) {
  for (const char* text : {"\\x", "\\u12", "\\ud800", "\\ud800\\u0041", "a\nb",
                           "a\x01"
                           "b",
                           "\\"}) {
    expect_invalid(1, std::string("[[\"") + text + "\"]]");
  }
}

TEST(JsonRows, refuses_text_that_is_not_utf8) {
  for (const char* text : {"\xff", "\xc0\x80", "\xed\xa0\x80", "a\xe4"}) {
    expect_invalid(1, std::string("[[\"") + text + "\"]]");
  }
}

TEST(JsonRows, refuses_a_truncation_at_any_byte) {
  const std::string json = R"([ ["1","a \" ä", null], ["22",null,"\u00e4\\"],[null,"","x"] ])";
  expect_rows(3, json, "1|a \" ä|~;22|~|ä\\;~||x;");
  for (std::size_t size = 0; size < json.size(); ++size) expect_invalid(3, json.substr(0, size));
}

// A changed byte inside a string makes another string; that no reader can see. All else must not
// pass as other rows.
TEST(JsonRows, refuses_any_changed_byte_outside_strings) {
  const std::string json = R"([["1","a"],[null,"b"],["2","c"]])";
  bool is_in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const bool is_quote = json[i] == '"';
    if (is_quote) is_in_string = !is_in_string;
    if (is_in_string || is_quote) continue;
    for (int byte = 0; byte < 256; ++byte) {
      if (static_cast<char>(byte) == json[i]) continue;
      std::string changed = json;
      changed[i] = static_cast<char>(byte);
      expect_invalid(2, changed);
    }
  }
}

TEST(JsonRows, refuses_a_nul_in_text_and_names_the_column) {
  RowFormat format = texts(2);
  format.labels = {{"id", "string"}, {"note", "string"}};
  const Reading reading = read(format, R"([["1","a\u0000b"]])");
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->code, ErrorCode::kTypeNotSupported);
  EXPECT_NE(reading.error->message.find("\"note\""), std::string::npos);
}

TEST(JsonRows, names_column_type_and_value_of_a_bad_cell) {
  RowFormat format;
  format.columns = {{CellType::kInt4, 0, 0}};
  format.labels = {{"amount", "bigint"}};
  Reading reading = read(format, R"([["99999999999"]])");
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->code, ErrorCode::kValueOutOfRange);
  EXPECT_EQ(reading.error->message,
            "value of remote column \"amount\" is out of range for type integer");
  EXPECT_EQ(reading.error->detail, "Value: \"99999999999\".");
  reading = read(format, R"([["12\n34"]])");
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->code, ErrorCode::kTypeNotSupported);
  EXPECT_EQ(reading.error->detail, "Value: \"12 34\".");
}

TEST(JsonRows, numbers_a_column_without_a_label) {
  RowFormat format;
  format.columns = {{CellType::kText, 0, 0}, {CellType::kDate, 0, 0}};
  const Reading reading = read(format, R"([["a","b"]])");
  ASSERT_TRUE(reading.error);
  EXPECT_EQ(reading.error->message, "value of remote column number 2 can't be read as type date");
}

TEST(JsonRows, cuts_batches_at_the_wanted_size) {
  RowFormat format = texts(1);
  format.batch_bytes = 64;
  std::string json = "[";
  std::string rows;
  for (int i = 0; i < 20; ++i) {
    json += std::string(i == 0 ? "" : ",") + "[\"12345678\"]";
    rows += "12345678;";
  }
  const Reading reading = read(format, json + "]");
  EXPECT_FALSE(reading.error);
  EXPECT_EQ(reading.rows, rows);
  EXPECT_EQ(reading.batches, 5U);
}

TEST(JsonRows, starts_anew_with_open) {
  const RowFormat format = texts(1);
  JsonRows rows(format);
  std::string first = "[[\"1\"],[\"2\"]]";
  first.reserve(first.size() + http::kBodyPadding);
  std::string second = "[[\"3\"]]";
  second.reserve(second.size() + http::kBodyPadding);
  ASSERT_TRUE(rows.open(first));
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.rows_read(), 2U);
  EXPECT_TRUE(rows.is_at_end());
  ASSERT_TRUE(rows.open(second));
  EXPECT_FALSE(rows.is_at_end());
  auto batch = rows.next();
  ASSERT_TRUE(batch && *batch);
  EXPECT_EQ((*batch)->row_count, 1U);
  EXPECT_EQ(rows.rows_read(), 1U);
}

}  // namespace
}  // namespace lakehouse::warehouse
