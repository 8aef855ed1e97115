// SPDX-License-Identifier: PostgreSQL
// The metrics page: every promised name, with its value.
#include "worker/metrics/exposition.hpp"

#include <gmock/gmock.h>

#include <sstream>

namespace lakehouse::worker::metrics {
namespace {

using testing::HasSubstr;

std::string page_of(const Counters& counters) {
  Snapshot snapshot;
  snapshot.version = "1.2.3";
  snapshot.started_at = std::chrono::system_clock::time_point(std::chrono::milliseconds(1500));
  snapshot.client = {11, 2, 3, 4};
  return expose(counters, snapshot);
}

TEST(Exposition, shows_the_counters) {
  Counters counters;
  counters.scans_succeeded = 5;
  counters.scans_failed = 6;
  counters.scans_cancelled = 7;
  counters.scan_rows = 8;
  counters.received_bytes = 9;
  counters.publishes_failed = 10;
  counters.published_bytes = 12;
  const Presence open(counters.open_scans);
  const std::string page = page_of(counters);
  for (const char* line :
       {"lakehouse_worker_info{version=\"1.2.3\"} 1\n",
        "lakehouse_scans_total{outcome=\"succeeded\"} 5\n",
        "lakehouse_scans_total{outcome=\"failed\"} 6\n",
        "lakehouse_scans_total{outcome=\"cancelled\"} 7\n", "\nlakehouse_open_scans 1\n",
        "lakehouse_publishes_total{outcome=\"failed\"} 10\n",
        "\nlakehouse_published_bytes_total 12\n", "\nlakehouse_scan_rows_total 8\n",
        "\nlakehouse_received_bytes_total 9\n", "\nlakehouse_http_requests_total 11\n",
        "\nlakehouse_http_retries_total 2\n", "\nprocess_start_time_seconds 1.500\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(Exposition, shows_the_memory_of_this_process) {
  const std::string page = page_of(Counters{});
  const std::string name = "\nprocess_resident_memory_bytes ";
  ASSERT_THAT(page, HasSubstr(name));
  EXPECT_GT(std::stoull(page.substr(page.find(name) + name.size())), 1U << 20U);
}

TEST(Exposition, has_help_and_type_before_each_family) {
  std::istringstream lines(page_of(Counters{}));
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) family = line.substr(7, line.find(' ', 7) - 7);
    if (line.starts_with("#")) continue;
    EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family);
  }
}

TEST(Presence, counts_for_as_long_as_it_lives) {
  Counters counters;
  {
    const Presence one(counters.open_scans);
    const Presence two(counters.open_scans);
    EXPECT_EQ(counters.open_scans, 2U);
  }
  EXPECT_EQ(counters.open_scans, 0U);
}

}  // namespace
}  // namespace lakehouse::worker::metrics
