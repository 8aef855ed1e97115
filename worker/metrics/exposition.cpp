// SPDX-License-Identifier: PostgreSQL
// Renders the metrics page; process figures come from the kernel at the time of asking.
#include "worker/metrics/exposition.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace lakehouse::worker::metrics {
namespace {

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
    text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
  }
  void sample(std::string_view name, std::string_view labels, std::uint64_t value) {
    sample_text(name, labels, std::to_string(value));
  }
  void seconds(std::string_view name, double value) {
    std::array<char, 48> digits{};
    const int length = std::snprintf(digits.data(), digits.size(), "%.3f", value);
    sample_text(name, "", {digits.data(), static_cast<std::size_t>(length)});
  }
  void single(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t value) {
    family(name, type, help);
    sample(name, "", value);
  }
  std::string take() { return std::move(text_); }

 private:
  void sample_text(std::string_view name, std::string_view labels, std::string_view value) {
    text_.append(name).append(labels).append(" ").append(value).append("\n");
  }
  std::string text_;
};

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(statm >> all_pages >> resident_pages)) return 0;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void add_scans(Page& page, const Counters& counters) {
  constexpr std::string_view kScans = "lakehouse_scans_total";
  page.family(kScans, "counter", "Scans ended, by outcome.");
  page.sample(kScans, "{outcome=\"succeeded\"}", counters.scans_succeeded);
  page.sample(kScans, "{outcome=\"failed\"}", counters.scans_failed);
  page.sample(kScans, "{outcome=\"cancelled\"}", counters.scans_cancelled);
  page.single("lakehouse_open_scans", "gauge", "Scans running now.", counters.open_scans);
  page.single("lakehouse_open_connections", "gauge", "Connections to the gateway socket now.",
              counters.open_connections);
  page.single("lakehouse_scan_rows_total", "counter", "Rows sent to backends.", counters.scan_rows);
  page.single("lakehouse_secrets_reencrypted_total", "counter",
              "Stored secrets encrypted again with a newer master key.", counters.secrets_resealed);
  page.single("lakehouse_received_bytes_total", "counter",
              "Bytes of results received from warehouses.", counters.received_bytes);
}

void add_http(Page& page, const Counters& counters, const lakehouse::http::ClientStats& client) {
  page.single("lakehouse_http_requests_total", "counter", "HTTP requests made to remote services.",
              client.requests);
  page.single("lakehouse_http_retries_total", "counter", "HTTP requests made again.",
              client.retries);
  page.single("lakehouse_http_connections_opened_total", "counter",
              "Connections opened to remote services.", client.connections_opened);
  page.single("lakehouse_http_received_bytes_total", "counter",
              "Bytes received from remote services.", client.bytes_received);
  page.single("lakehouse_http_served_total", "counter", "HTTP requests answered by this server.",
              counters.served_http_requests);
}

void add_publishes(Page& page, const Counters& counters) {
  constexpr std::string_view kPublishes = "lakehouse_publishes_total";
  page.family(kPublishes, "counter", "Publish jobs ended, by outcome.");
  page.sample(kPublishes, "{outcome=\"succeeded\"}", counters.publishes_succeeded);
  page.sample(kPublishes, "{outcome=\"failed\"}", counters.publishes_failed);
  page.single("lakehouse_published_rows_total", "counter",
              "Rows added, changed or removed in published tables.", counters.published_rows);
  page.single("lakehouse_published_bytes_total", "counter",
              "Bytes of data and change files written.", counters.published_bytes);
}

void add_process(Page& page, std::chrono::system_clock::time_point started_at) {
  page.single("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  page.family("process_cpu_seconds_total", "counter", "User and system processor time.");
  page.seconds("process_cpu_seconds_total", cpu_seconds());
  page.family("process_start_time_seconds", "gauge", "Start of the process, Unix time.");
  page.seconds("process_start_time_seconds",
               std::chrono::duration<double>(started_at.time_since_epoch()).count());
}

}  // namespace

std::string expose(const Counters& counters, const Snapshot& snapshot) {
  Page page;
  page.family("lakehouse_worker_info", "gauge", "The worker's version.");
  page.sample("lakehouse_worker_info", "{version=\"" + std::string(snapshot.version) + "\"}", 1);
  add_scans(page, counters);
  add_http(page, counters, snapshot.client);
  add_publishes(page, counters);
  add_process(page, snapshot.started_at);
  return page.take();
}

}  // namespace lakehouse::worker::metrics
