// SPDX-License-Identifier: PostgreSQL
// One attempt at a request: a curl easy handle, its callbacks and what they have collected.
// Lives on the client's thread; the request, the URL and the settings outlive it.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "core/base/context.hpp"
#include "core/http/client.hpp"
#include "core/http/head.hpp"
#include "core/http/header_list.hpp"
#include "core/http/outcome.hpp"
#include "core/http/url_policy.hpp"

namespace lakehouse::http {

// What all transfers of a client share.
struct TransferSettings {
  std::string user_agent;
  std::string ca_path;
  std::chrono::milliseconds connect_timeout;
  const UrlPolicy* policy;
  CURLSH* share;
};

class Transfer {
 public:
  // Throws std::bad_alloc.
  Transfer(const Request& request, const Url& url, const TransferSettings& settings);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* easy() const noexcept { return easy_.get(); }
  Progress progress() const noexcept { return progress_; }
  Deadline::Clock::time_point last_byte_at() const noexcept { return last_byte_at_; }

  // After curl is done. Takes the response away.
  Outcome finish(CURLcode code);

  std::uint64_t wire_bytes() const noexcept;
  std::uint64_t connections_opened() const noexcept;

 private:
  enum class Stop : std::uint8_t { kNone, kBodyTooLarge, kHeadTooLarge, kOutOfMemory };
  struct Free {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };

  void set_limits(const TransferSettings& settings);
  void set_tls(const TransferSettings& settings);
  void set_request();
  void set_callbacks();
  bool take_body(std::string_view piece);
  void make_room(std::size_t size);
  void reach(Progress progress) noexcept { progress_ = std::max(progress_, progress); }
  Error refused_address() const;

  static int on_resolve(void* resolver, void* reserved, void* self) noexcept;
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose,
                                      curl_sockaddr* address) noexcept;
  static int on_request(void* self, char* remote_ip, char* local_ip, int remote_port,
                        int local_port) noexcept;
  static int on_progress(void* self, curl_off_t download_total, curl_off_t download,
                         curl_off_t upload_total, curl_off_t upload) noexcept;
  static std::size_t on_header(char* line, std::size_t one, std::size_t size, void* self) noexcept;
  static std::size_t on_body(char* piece, std::size_t one, std::size_t size, void* self) noexcept;

  const Request& request_;
  const Url& url_;
  const UrlPolicy& policy_;
  HeaderList headers_;
  std::unique_ptr<CURL, Free> easy_;
  char curl_text_[CURL_ERROR_SIZE] = "";

  Head head_;
  std::string body_;
  Stop stop_ = Stop::kNone;
  Progress progress_ = Progress::kQueued;
  bool has_refused_address_ = false;
  curl_off_t bytes_seen_ = 0;
  Deadline::Clock::time_point last_byte_at_{};
};

}  // namespace lakehouse::http
