// SPDX-License-Identifier: PostgreSQL
// Layout: the format's number (1 byte), the number of keys (8 bytes, little endian), the code. A
// distance is its upper part in unary, ones ended by a zero, then its lower bits; bits fill bytes
// from the lowest on.
#include "core/delta/key_filter.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lakehouse::delta {
namespace {

constexpr char kFormat = 1;
constexpr std::size_t kHeaderBytes = 1 + sizeof(std::uint64_t);
// The range is 2^16 a key: so often is a foreign key taken for present.
constexpr unsigned kRangeBits = 16;
// Of a distance, which is 2^16 on average; fewest bits for such distances.
constexpr unsigned kLowerBits = 16;
// More keys than a file has rows would overflow the range.
constexpr std::uint64_t kMostKeys = std::uint64_t{1} << 40U;

// Keeps the order of hashes.
std::uint64_t scaled(std::uint64_t hash, std::uint64_t keys) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(hash) * (keys << kRangeBits)) >> 64U);
}

class BitWriter {
 public:
  explicit BitWriter(std::string& bytes) : bytes_(bytes) {}

  void write(std::uint64_t bits, unsigned count) {  // at most 32 at a time
    held_ |= bits << held_count_;
    held_count_ += count;
    while (held_count_ >= 8) {
      bytes_.push_back(static_cast<char>(held_ & 0xFFU));
      held_ >>= 8U;
      held_count_ -= 8;
    }
  }
  void end() {
    if (held_count_ > 0) bytes_.push_back(static_cast<char>(held_));
  }

 private:
  std::string& bytes_;
  std::uint64_t held_ = 0;
  unsigned held_count_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  // False: there are not so many bits.
  bool read_distance(std::uint64_t& distance) {
    std::uint64_t upper = 0;
    for (;;) {
      fill();
      if (held_count_ == 0) return false;
      const auto ones = static_cast<unsigned>(std::countr_one(held_));
      if (ones < held_count_) {
        upper += ones;
        drop(ones + 1);
        break;
      }
      upper += held_count_;
      drop(held_count_);
    }
    fill();
    if (held_count_ < kLowerBits) return false;
    distance = (upper << kLowerBits) | (held_ & ((1U << kLowerBits) - 1));
    drop(kLowerBits);
    return true;
  }
  // Nothing but the last byte's unused bits is left, and they are 0.
  bool is_at_end() const { return at_ == bytes_.size() && held_count_ < 8 && held_ == 0; }

 private:
  // At least 56 bits, unless the end is near.
  void fill() {
    if (held_count_ > 48) return;
    if (bytes_.size() - at_ >= sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes_.data() + at_, sizeof word);
      const unsigned taken = (63 - held_count_) / 8;
      held_ |= (word & ((std::uint64_t{1} << (taken * 8)) - 1)) << held_count_;
      held_count_ += taken * 8;
      at_ += taken;
      return;
    }
    while (held_count_ <= 56 && at_ < bytes_.size()) {
      held_ |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[at_++])) << held_count_;
      held_count_ += 8;
    }
  }
  void drop(unsigned count) {
    held_ = count >= 64 ? 0 : held_ >> count;
    held_count_ -= count;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint64_t held_ = 0;
  unsigned held_count_ = 0;
};

Error damaged_error() {
  return {ErrorCode::kInvalidResponse, "a key filter is damaged",
          "It is a value of lakehouse.published_files.key_filter.",
          "Publish the table anew with lakehouse.restart_publishing()."};
}

}  // namespace

std::string make_key_filter(std::vector<std::uint64_t> hashes) {
  std::sort(hashes.begin(), hashes.end());
  const std::uint64_t keys = hashes.size();
  std::string filter;
  filter.reserve(kHeaderBytes + hashes.size() * 9 / 4 + 8);
  filter.push_back(kFormat);
  filter.append(reinterpret_cast<const char*>(&keys), sizeof keys);
  BitWriter writer(filter);
  std::uint64_t last = 0;
  for (const std::uint64_t hash : hashes) {
    const std::uint64_t value = scaled(hash, keys);
    const std::uint64_t distance = value - last;
    last = value;
    for (std::uint64_t upper = distance >> kLowerBits; upper > 0; --upper) writer.write(1, 1);
    writer.write(0, 1);
    writer.write(distance & ((1U << kLowerBits) - 1), kLowerBits);
  }
  writer.end();
  return filter;
}

Result<bool> may_hold_any(std::string_view filter, std::span<const std::uint64_t> hashes) {
  if (filter.size() < kHeaderBytes || filter.front() != kFormat) return damaged_error();
  std::uint64_t keys = 0;
  std::memcpy(&keys, filter.data() + 1, sizeof keys);
  if (keys > kMostKeys) return damaged_error();
  BitReader reader(filter.substr(kHeaderBytes));
  std::uint64_t value = 0;
  auto sought = hashes.begin();
  for (std::uint64_t i = 0; i < keys; ++i) {
    std::uint64_t distance = 0;
    if (!reader.read_distance(distance)) return damaged_error();
    value += distance;
    while (sought != hashes.end() && scaled(*sought, keys) < value) ++sought;
    if (sought != hashes.end() && scaled(*sought, keys) == value) return true;
  }
  if (!reader.is_at_end()) return damaged_error();
  return false;
}

}  // namespace lakehouse::delta
