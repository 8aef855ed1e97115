// SPDX-License-Identifier: PostgreSQL
// Listen addresses: the forms that are taken, and those that are not.
#include "worker/config/address.hpp"

#include <gtest/gtest.h>

namespace lakehouse::worker::config {
namespace {

struct Taken {
  const char* text;
  const char* ip;
  int port;
  friend void PrintTo(const Taken& tested, std::ostream* out) { *out << tested.text; }
};
class TakenAddress : public testing::TestWithParam<Taken> {};

TEST_P(TakenAddress, is_taken_apart) {
  const auto address = parse_address(GetParam().text);
  ASSERT_TRUE(address.is_ok());
  EXPECT_EQ(address->ip, GetParam().ip);
  EXPECT_EQ(address->port, GetParam().port);
}
INSTANTIATE_TEST_SUITE_P(Forms, TakenAddress,
                         testing::Values(Taken{"127.0.0.1:8720", "127.0.0.1", 8720},
                                         Taken{"[::1]:0", "::1", 0},
                                         Taken{"*:65535", "0.0.0.0", 65535},
                                         Taken{"localhost:80", "127.0.0.1", 80}));

class RefusedAddress : public testing::TestWithParam<const char*> {};

TEST_P(RefusedAddress, is_refused_with_a_hint) {
  const auto address = parse_address(GetParam());
  ASSERT_FALSE(address.is_ok());
  EXPECT_EQ(address.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(address.error().hint.empty());
}
INSTANTIATE_TEST_SUITE_P(Forms, RefusedAddress,
                         testing::Values("8720", ":8720", "127.0.0.1", "127.0.0.1:", "::1:80",
                                         "[127.0.0.1]:80", "example.com:80", "127.0.0.1:65536",
                                         "127.0.0.1:-1", "127.0.0.1:80 ", "127.0.0.1:8x"));

TEST(Address, is_written_as_it_is_read) {
  EXPECT_EQ(to_text({"127.0.0.1", 1}), "127.0.0.1:1");
  EXPECT_EQ(to_text({"::1", 2}), "[::1]:2");
}

}  // namespace
}  // namespace lakehouse::worker::config
