// SPDX-License-Identifier: PostgreSQL
// Envelopes: they open in their place with their key, and in no other case (C-04 to C-07, C-10,
// C-12).
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/vault/envelope.hpp"
#include "core/vault/vault.hpp"
#include "tests/unit/core/vault/hex.hpp"
#include "tests/unit/core/vault/temporary_directory.hpp"

namespace lakehouse::vault {
namespace {

using lakehouse::testing::from_hex;
using lakehouse::testing::TemporaryDirectory;

// Bytes 40 to 5f.
const std::string kGoldenKey = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
// Made by another program (Python's cryptography package) from the description in envelope.hpp:
// salt 00 to 1f, nonce a0 to ab, plaintext "dapi-golden-token", place golden_place().
const std::string kGoldenEnvelope =
    "4c4b010100000003000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "4aa0373945ef75de03f98697a84ab0bc184907224649e023f46b4be9bfffacd1"
    "a0a1a2a3a4a5a6a7a8a9aaab54b2e54e2c88aae2a571b2dd4c4335e869d35ddd767d25f60d8c2ef990d2424229";

Place golden_place() {
  return {.tenant_id = "0b0c0d0e-0000-4000-8000-000000000001",
          .purpose = "warehouse_connections",
          .row_id = "1f1e1d1c-0000-4000-8000-000000000002",
          .column = "secret",
          .version = 7};
}

class VaultTest : public ::testing::Test {
 protected:
  std::unique_ptr<Vault> open_with(const std::string& text) {
    auto vault = Vault::open_file(directory_.write("keys" + std::to_string(++files_), text, 0400));
    EXPECT_TRUE(vault.is_ok());
    return *std::move(vault);
  }
  void expect_not_opened(std::string_view envelope, const Place& place) {
    const auto opened = vault_->open(envelope, place);
    ASSERT_FALSE(opened.is_ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kUnauthenticated);
    EXPECT_EQ(opened.error().message, "could not decrypt the stored secret");
    EXPECT_EQ(opened.error().detail, "");
    EXPECT_EQ(opened.error().hint,
              "Store the secret again, or restore the master key it was encrypted with.");
  }
  std::string seal(const std::string& text) const {
    auto sealed = vault_->seal(Secret(text), golden_place());
    EXPECT_TRUE(sealed.is_ok());
    return *std::move(sealed);
  }

  TemporaryDirectory directory_;
  int files_ = 0;
  std::unique_ptr<Vault> vault_ = open_with("3 " + kGoldenKey + "\n");
};

TEST_F(VaultTest, opens_what_it_sealed) {
  for (const std::string& text : {std::string(), std::string("dapi0123"), std::string("\0\xff", 2),
                                  std::string(100'000, 'x')}) {
    const auto opened = vault_->open(seal(text), golden_place());
    ASSERT_TRUE(opened.is_ok());
    EXPECT_EQ(opened->reveal(), text);
  }
}

TEST_F(VaultTest, opens_the_golden_envelope_of_version_1) {
  const auto opened = vault_->open(from_hex(kGoldenEnvelope), golden_place());
  ASSERT_TRUE(opened.is_ok());
  EXPECT_EQ(opened->reveal(), "dapi-golden-token");
}

TEST_F(VaultTest, envelope_has_the_layout_of_version_1_and_hides_the_text) {
  const std::string envelope = seal("dapi-golden-token");
  EXPECT_EQ(envelope.size(), kMinEnvelopeBytes + 17);
  EXPECT_EQ(envelope.substr(0, 8), from_hex("4c4b010100000003"));
  EXPECT_EQ(envelope.find("dapi"), std::string::npos);
}

TEST_F(VaultTest, refuses_an_envelope_with_any_bit_flipped) {
  const std::string envelope = from_hex(kGoldenEnvelope);
  for (std::size_t bit = 0; bit < envelope.size() * 8; ++bit) {
    std::string changed = envelope;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    expect_not_opened(changed, golden_place());
  }
}

TEST_F(VaultTest, refuses_an_envelope_cut_or_lengthened_anywhere) {
  const std::string envelope = from_hex(kGoldenEnvelope);
  for (std::size_t size = 0; size < envelope.size(); ++size) {
    expect_not_opened(envelope.substr(0, size), golden_place());
    expect_not_opened(envelope.substr(envelope.size() - size), golden_place());
  }
  expect_not_opened(envelope + '\0', golden_place());
}

TEST_F(VaultTest, refuses_every_other_version_and_algorithm) {
  const std::string envelope = from_hex(kGoldenEnvelope);
  for (const std::size_t place : {std::size_t{2}, std::size_t{3}}) {
    for (int byte = 0; byte < 256; ++byte) {
      if (byte == 1) continue;
      std::string changed = envelope;
      changed[place] = static_cast<char>(byte);
      expect_not_opened(changed, golden_place());
    }
  }
}

TEST_F(VaultTest, refuses_another_tenant_purpose_row_column_or_version) {
  const std::string envelope = from_hex(kGoldenEnvelope);
  Place place = golden_place();
  place.tenant_id.back() = '9';
  expect_not_opened(envelope, place);
  place = golden_place();
  place.purpose = "mcp_servers";
  expect_not_opened(envelope, place);
  place = golden_place();
  place.row_id.back() = '9';
  expect_not_opened(envelope, place);
  place = golden_place();
  place.column = "secret2";
  expect_not_opened(envelope, place);
  place = golden_place();
  place.version = 6;
  expect_not_opened(envelope, place);
}

// Without lengths before the fields these two places would have the same bytes.
TEST_F(VaultTest, refuses_a_place_whose_fields_only_join_to_the_same_text) {
  Place place = golden_place();
  place.row_id = "ab";
  place.column = "c";
  const auto envelope = vault_->seal(Secret("text"), place);
  ASSERT_TRUE(envelope.is_ok());
  place.row_id = "a";
  place.column = "bc";
  expect_not_opened(*envelope, place);
}

TEST_F(VaultTest, refuses_parts_swapped_between_two_envelopes_of_one_place) {
  const std::string one = seal("first secret");
  const std::string two = seal("other secret");
  for (const std::size_t cut : {std::size_t{8} + kSaltBytes, kHeaderBytes, kPrefixBytes}) {
    expect_not_opened(one.substr(0, cut) + two.substr(cut), golden_place());
  }
}

TEST_F(VaultTest, opens_with_an_older_key_and_writes_with_the_newest) {
  const auto rotated = open_with("3 " + kGoldenKey + "\n4 " + std::string(64, 'c') + "\n");
  EXPECT_EQ(rotated->writing_key_id(), 4U);
  EXPECT_TRUE(rotated->open(from_hex(kGoldenEnvelope), golden_place()).is_ok());
  const auto renewed = rotated->seal(Secret("text"), golden_place());
  ASSERT_TRUE(renewed.is_ok());
  EXPECT_EQ(renewed->substr(4, 4), from_hex("00000004"));
  expect_not_opened(*renewed, golden_place());  // the vault that knows key 3 only
}

TEST_F(VaultTest, refuses_another_key_under_the_same_id) {
  vault_ = open_with("3 " + std::string(64, 'd') + "\n");
  expect_not_opened(from_hex(kGoldenEnvelope), golden_place());
}

TEST_F(VaultTest, never_repeats_a_salt_or_a_nonce) {
  constexpr int kSeals = 100'000;
  std::vector<std::string> salts, nonces;
  const Secret text("x");
  for (int i = 0; i < kSeals; ++i) {
    const auto envelope = vault_->seal(text, golden_place());
    ASSERT_TRUE(envelope.is_ok());
    salts.push_back(envelope->substr(8, kSaltBytes));
    nonces.push_back(envelope->substr(kHeaderBytes, 12));
  }
  std::sort(salts.begin(), salts.end());
  std::sort(nonces.begin(), nonces.end());
  EXPECT_EQ(std::adjacent_find(salts.begin(), salts.end()), salts.end());
  EXPECT_EQ(std::adjacent_find(nonces.begin(), nonces.end()), nonces.end());
}

TEST_F(VaultTest, child_of_a_fork_draws_other_random_bytes) {
  seal("so that the generator is seeded before the fork");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto envelope = vault_->seal(Secret("x"), golden_place());
    const bool is_written = envelope && write(ends[1], envelope->data(), envelope->size()) ==
                                            static_cast<ssize_t>(envelope->size());
    _exit(is_written ? 0 : 1);
  }
  close(ends[1]);
  std::string theirs(kMinEnvelopeBytes + 1, '\0');
  ASSERT_EQ(read(ends[0], theirs.data(), theirs.size()), static_cast<ssize_t>(theirs.size()));
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const std::string ours = seal("x");
  EXPECT_NE(ours.substr(8, kSaltBytes), theirs.substr(8, kSaltBytes));
  EXPECT_TRUE(vault_->open(theirs, golden_place()).is_ok());
}

}  // namespace
}  // namespace lakehouse::vault
