// SPDX-License-Identifier: PostgreSQL
// How fast one core turns a JSON result into batches: 5 million rows of int8, int4, float8, text,
// timestamptz as microseconds and numeric(12,2), rendered once in memory as chunks, then read to
// the end. No network, no backend. Prints rows/s, bytes of JSON per second and bytes of batches.
// Argument: rows in millions (default 5).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "core/http/client.hpp"
#include "core/warehouse/json_rows.hpp"

namespace {

using lakehouse::wire::CellType;

constexpr int kRowsPerChunk = 100'000;

std::string render_chunk(std::mt19937_64& random) {
  std::string json = "[";
  json.reserve(kRowsPerChunk * 110U);
  char row[256];
  for (int i = 0; i < kRowsPerChunk; ++i) {
    const auto key = static_cast<long long>(random() >> 20U);
    const double ratio = static_cast<double>(random() >> 11U) / 9007199254740992.0 * 1000;
    std::snprintf(
        row, sizeof(row), "%s[\"%lld\",\"%d\",\"%.14g\",\"Customer#%012lld\",\"%lld\",\"%d.%02d\"]",
        i == 0 ? "" : ",", key, static_cast<int>(random() % 2'000'000'000), ratio,
        key % 1'000'000'000'000,
        1'600'000'000'000'000LL + static_cast<long long>(random() % 100'000'000'000'000ULL),
        static_cast<int>(random() % 100'000'000), static_cast<int>(random() % 100));
    json += row;
  }
  json += "]";
  json.reserve(json.size() + lakehouse::http::kBodyPadding);
  return json;
}

struct Totals {
  std::size_t rows = 0, json_bytes = 0, batch_bytes = 0;
};

bool read_chunk(lakehouse::warehouse::JsonRows& rows, const std::string& chunk, Totals& totals) {
  if (!rows.open(chunk)) return false;
  for (;;) {
    auto batch = rows.next();
    if (!batch)
      return std::fprintf(stderr, "%s: %s\n", batch.error().message.c_str(),
                          batch.error().detail.c_str()),
             false;
    if (!*batch) break;
    totals.rows += (*batch)->row_count;
    totals.batch_bytes += (*batch)->bytes.size();
  }
  totals.json_bytes += chunk.size();
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const double millions = argc > 1 ? std::atof(argv[1]) : 5;
  const int passes = static_cast<int>(millions * 1'000'000 / kRowsPerChunk);
  std::mt19937_64 random(1);
  std::vector<std::string> chunks;
  for (int i = 0; i < 4; ++i) chunks.push_back(render_chunk(random));
  lakehouse::warehouse::RowFormat format;
  format.columns = {{CellType::kInt8}, {CellType::kInt4},        {CellType::kFloat8},
                    {CellType::kText}, {CellType::kTimestamptz}, {CellType::kNumeric, 12, 2}};
  lakehouse::warehouse::JsonRows rows(format);
  Totals totals;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < passes; ++i) {
    if (!read_chunk(rows, chunks[static_cast<std::size_t>(i) % chunks.size()], totals)) return 1;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf(
      "%zu rows in %.2f s: %.2f M rows/s, %.3f GB/s of JSON (%.0f B/row), batches of %.0f B/row\n",
      totals.rows, seconds, static_cast<double>(totals.rows) / seconds / 1e6,
      static_cast<double>(totals.json_bytes) / seconds / 1e9,
      static_cast<double>(totals.json_bytes) / static_cast<double>(totals.rows),
      static_cast<double>(totals.batch_bytes) / static_cast<double>(totals.rows));
  return 0;
}
