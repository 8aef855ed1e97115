// SPDX-License-Identifier: PostgreSQL
// Numerics against the bytes that a PostgreSQL 15 server stored for the same text and type.
#include <gtest/gtest.h>

#include <random>

#include "core/warehouse/built.hpp"

namespace lakehouse::warehouse {
namespace {

struct Vector {
  std::string_view text;
  std::int16_t precision;
  std::int16_t scale;
  std::string_view hex;  // empty: the server refused the value as too large
};

// From pageinspect's heap_page_items() of a one-row table, without the varlena header.
constexpr Vector kVectors[] = {
    {"0", 0, 0, "0080"},
    {"-0", 0, 0, "0080"},
    {"0.00", 0, 0, "0081"},
    {"1", 0, 0, "00800100"},
    {"-1", 0, 0, "00a00100"},
    {"10000", 0, 0, "01800100"},
    {"9999", 0, 0, "00800f27"},
    {"123456789", 0, 0, "028001002909851a"},
    {"0.0001", 0, 0, "7f820100"},
    {"0.00001", 0, 0, "fe82e803"},
    {"-0.000123", 0, 0, "7fa30100fc08"},
    {"1.5", 12, 2, "008101008813"},
    {"-1.005", 12, 2, "00a101006400"},
    {"1.005", 12, 2, "008101006400"},
    {"9999999999.995", 13, 2, "02816400"},
    {"9999999999.994", 12, 2, "028163000f270f27ac26"},
    {"0.005", 12, 2, "7f816400"},
    {"0.004", 12, 2, "0081"},
    {"-0.004", 12, 2, "0081"},
    {"99.5", 2, 0, ""},
    {"99.4", 2, 0, "00806300"},
    {"12345678901234567890123456789012345678", 38, 0,
     "09800c00800dd21ed2042e163423800dd21ed2042e16"},
    {"0.12345678901234567890123456789012345678", 38, 38,
     "7f93d2042e163423800dd21ed2042e163423800d781e"},
    {"-99999999999999999999.999999999999999999", 38, 18,
     "04a90f270f270f270f270f270f270f270f270f27ac26"},
    {"1E+3", 0, 0, "0080e803"},
    {"1.5E-3", 0, 0, "7f820f00"},
    {"1e10", 0, 0, "02806400"},
    {"12.34E1", 0, 0, "80807b00a00f"},
    {"1E-20", 0, 0, "7b8a0100"},
    {"1.23456789E+30", 0, 0, "07807b00d711c422"},
    {"NaN", 0, 0, "00c0"},
    {"Infinity", 0, 0, "00d0"},
    {"-Infinity", 0, 0, "00f0"},
    {"NaN", 10, 2, "00c0"},
    {"3.14", 0, 0, "008103007805"},
    {"100.00", 0, 0, "00816400"},
    {"1234.5678", 0, 0, "0082d2042e16"},
    {"1E+131071", 0, 0, "0000ff7fe803"},
    {"55", 2, -1, "00803c00"},
    {"44", 2, -1, "00802800"},
    {"5", 2, -1, "00800a00"},
    {"4", 2, -1, "0080"},
    {"0.0567", 2, 3, "ff813a02"},
    {"+7.25", 0, 0, "00810700c409"},
    {".5", 0, 0, "ff808813"},
    {"5.", 0, 0, "00800500"},
    {"00012.3400", 0, 0, "00820c00480d"},
    {"1E+256", 0, 0, "000040000100"},
    {"1E+255", 0, 0, "3f80e803"},
    {"1E-256", 0, 0, "0001c0ff0100"},
    {"1E-257", 0, 0, "0101bfffe803"},
    {"99999.99995", 9, 4, ""},
    {"-018159083.0", 0, 0, "81a017077b23"},
    {"-18609139099603082.4628", 0, 0, "04a20100a1216e05e8260a0c1412"},
    {"21993518.19093", 38, 7, "81839708be0d7507b80b"},
    {"-97543231948757491.18625276018955597971", 0, 0,
     "04aa0900771d0f090b13431d46079c14bd00b715231f"},
    {"10497465.0752", 38, 0, "01801904291d"},
    {"-423.6671", 38, 2, "00a1a7012c1a"},
    {"268465632122330792440268599528.9078", 38, 7, "87831a001121b118b90818033211cb1a38257623"},
    {"-76031372159010928.1590", 0, 0, "04a207008f17890e0d17a0033606"},
    {"-45957.11777", 38, 7, "81a3040045179904581b"},
    {"-54728038", 38, 4, "01a26015661f"},
    {"0841.485253888", 38, 4, "00824903f512"},
    {"33633.87500", 38, 4, "01820300310e2e22"},
    {"-957551313735379907511637265167.61", 38, 2, "07a15f007f1d410cd10db326fc138e0e2f14d417"},
    {"-9729.9", 38, 7, "80a301262823"},
    {"200182633.0", 38, 4, "028202001200490a"},
    {"95486.20", 38, 4, "018209006e15d007"},
    {"868282880729022279180588871803.340187801", 38, 7,
     "878356005a206722560be7080d07b7220b07490d4c22"},
    {"983478878.38483", 38, 7, "828309009b20ae22080fb80b"},
    {"-7513.6134", 0, 0, "00a2591df617"},
    {"5242.731672326", 38, 0, "00807b14"},
    {"-55150587706589481.13", 0, 0, "04a105001e14f516920209251405"},
    {"-242.64", 38, 7, "80a3f2000019"},
    {"9751.40261", 38, 4, "00821726ba0f"},
    {"-4.193141705", 38, 0, "00a00400"},
    {"08312402344834782.45", 0, 0, "03817820b70f8311ae129411"},
    {"-88387371", 38, 7, "81a38622cb1c"},
    {"684335326502014620168493407224.70455", 38, 0, "07804400ef10c10cc9000c1294067c24391c"},
    {"-435205617.4", 38, 0, "02a00400c00df115"},
    {"01412.6", 38, 0, "00808505"},
    {"-4.3198", 38, 2, "00a10400800c"},
    {"-72492086828890931.00251678008374071881", 38, 0, "04a00700bc096403490ba303"},
    {"414.333776174", 0, 0, "80849e01090dc11da00f"},
    {"54499", 38, 2, "018105009311"},
    {"-4.1374", 38, 0, "00a00400"},
    {"-18341704.7187", 38, 4, "01a22a07a806131c"},
    {"31912845298415377.6", 0, 0, "8480030078070421712601157017"},
    {"7642", 38, 7, "8083da1d"},
    {"-505561304.4516", 38, 7, "82a305002c021805a411"},
    {"404.10", 38, 4, "00829401e803"},
    {"6853.5", 38, 7, "8083c51a8813"},
};

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4U];
    hex += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return hex;
}

Built build_numeric(std::string_view text, int precision = 0, int scale = 0) {
  return build({wire::CellType::kNumeric, static_cast<std::int16_t>(precision),
                static_cast<std::int16_t>(scale)},
               text);
}

TEST(Numeric, equals_what_the_server_stores) {
  for (const Vector& vector : kVectors) {
    const Built built = build_numeric(vector.text, vector.precision, vector.scale);
    EXPECT_EQ(hex_of(built.bytes), vector.hex)
        << vector.text << " as numeric(" << vector.precision << "," << vector.scale << ")";
    EXPECT_EQ(built.fault, vector.hex.empty() ? CellFault::kOutOfRange : CellFault::kNone)
        << vector.text;
  }
}

// "12.50" has a way of its own; "12.50e0" takes the general one.
TEST(Numeric, equals_in_its_usual_form_what_the_general_form_gives) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    const int scale = static_cast<int>(random() % 18);
    const int whole_digits = static_cast<int>(random() % 20) + 1;
    std::string text = random() % 2 == 0 ? "-" : "";
    const bool has_zeros = random() % 4 == 0;
    for (int i = 0; i < whole_digits + scale; ++i) {
      if (i == whole_digits) text += '.';
      text += has_zeros && random() % 2 == 0 ? '0' : static_cast<char>('0' + random() % 10);
    }
    const int precision = scale + static_cast<int>(random() % 20);
    const Built usual = build_numeric(text, precision, scale);
    const Built general = build_numeric(text + "e0", precision, scale);
    ASSERT_EQ(usual.fault, general.fault) << text << " " << precision << " " << scale;
    ASSERT_EQ(hex_of(usual.bytes), hex_of(general.bytes))
        << text << " " << precision << " " << scale;
  }
}

TEST(Numeric, takes_long_header_for_large_weight) {
  const std::string text = "1" + std::string(300, '0');
  EXPECT_EQ(hex_of(build_numeric(text).bytes), "00004b000100");
}

TEST(Numeric, takes_long_header_for_large_scale) {
  const std::string text = "0." + std::string(100, '0') + "1";
  EXPECT_EQ(hex_of(build_numeric(text).bytes), "6500e6ffe803");
}

TEST(Numeric, keeps_every_digit_of_a_long_value) {
  const std::string text = std::string(200, '1') + "." + std::string(100, '7');
  const Built built = build_numeric(text);
  ASSERT_EQ(built.fault, CellFault::kNone);
  EXPECT_EQ(built.bytes.size(), 4U + 2U * 75U);
  EXPECT_EQ(hex_of(built.bytes.substr(0, 4)), "64003100");
  for (std::size_t i = 0; i < 50; ++i) EXPECT_EQ(hex_of(built.bytes.substr(4 + 2 * i, 2)), "5704");
  for (std::size_t i = 50; i < 75; ++i) EXPECT_EQ(hex_of(built.bytes.substr(4 + 2 * i, 2)), "611e");
}

TEST(Numeric, refuses_more_digits_than_numeric_has) {
  EXPECT_EQ(build_numeric("1E+131072").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_numeric("1E-16384").fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_numeric("1E+99999999999999999999").fault, CellFault::kOutOfRange);
}

TEST(Numeric, refuses_infinity_with_a_precision) {
  EXPECT_EQ(build_numeric("Infinity", 10, 2).fault, CellFault::kOutOfRange);
  EXPECT_EQ(build_numeric("-Infinity", 10, 2).fault, CellFault::kOutOfRange);
}

TEST(Numeric, refuses_what_is_no_number) {
  for (const std::string_view text :
       {"",   "-",    "+",   ".",   "1.2.3", "1e",   "1e+",  "1e-",   "--1", "1 ",
        " 1", "0x10", "1,5", "abc", "1e1.5", "-NaN", "inf1", "1e+-3", "e5",  "٣"}) {
    EXPECT_EQ(build_numeric(text).fault, CellFault::kUnreadable) << '"' << text << '"';
  }
}

}  // namespace
}  // namespace lakehouse::warehouse
