// SPDX-License-Identifier: PostgreSQL
// Secret: wiped on each way out, and not printable.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "core/base/secret.hpp"

namespace lakehouse {
namespace {

template <typename Type>
concept Printable = requires(std::ostream& stream, const Type& value) {
  stream << value;
};
static_assert(!Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

TEST(Secret, reveals_what_it_was_given) {
  EXPECT_EQ(Secret("a token that is too long for a short string").reveal(),
            "a token that is too long for a short string");
  EXPECT_EQ(Secret("short").reveal(), "short");
  EXPECT_TRUE(Secret().is_empty());
}

TEST(Secret, wipe_clears_the_whole_capacity) {
  std::string text = "short";
  const char* const bytes = text.data();
  const std::size_t capacity = text.capacity();
  Secret::wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_TRUE(std::all_of(bytes, bytes + capacity, [](char byte) { return byte == 0; }));
}

TEST(Secret, moving_leaves_no_short_text_behind) {
  Secret from(std::string("short"));
  const char* const bytes = from.reveal().data();  // within the object itself
  const Secret to(std::move(from));
  EXPECT_EQ(to.reveal(), "short");
  EXPECT_TRUE(std::all_of(bytes, bytes + 5, [](char byte) { return byte == 0; }));
}

TEST(Secret, dying_wipes_a_short_text) {
  alignas(Secret) unsigned char memory[sizeof(Secret)];
  auto* const secret = new (memory) Secret(std::string("canary"));
  const char* const bytes = secret->reveal().data();
  const auto offset = static_cast<std::size_t>(reinterpret_cast<const unsigned char*>(bytes) -
                                               static_cast<unsigned char*>(memory));
  ASSERT_LT(offset, sizeof(memory));
  secret->~Secret();
  volatile unsigned char* const left = memory;
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(left[offset + i], 0);
}

TEST(Secret, assigning_replaces_the_text) {
  Secret secret(std::string("first"));
  secret = Secret(std::string("second"));
  EXPECT_EQ(secret.reveal(), "second");
}

}  // namespace
}  // namespace lakehouse
