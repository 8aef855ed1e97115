// SPDX-License-Identifier: PostgreSQL
// Options and callbacks of an easy handle. Redirects, repetition and time limits are the caller's;
// only the connecting is timed by curl, which divides that time among a host's addresses.
#include "core/http/transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <new>

#include "core/http/protocol.hpp"

namespace lakehouse::http {
namespace {

constexpr long kReceiveBufferBytes = 512L * 1024;  // curl's maximum: fewer calls for large bodies
constexpr long kKeepaliveIdleSeconds = 30;
constexpr long kKeepaliveIntervalSeconds = 15;
// A connection that idled longer may be just about to be closed by the server, and a request that
// must not be repeated would fail. Load balancers close after 60 s.
constexpr long kMaxIdleSeconds = 30;

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  // Every option is known and every value fits, so nothing but memory can fail.
  if (code != CURLE_OK) throw std::bad_alloc();
}

bool may_be_sent_twice(const Request& request) {
  return !has_body(request.method) || request.retry == Retry::kIdempotent;
}

}  // namespace

Transfer::Transfer(const Request& request, const Url& url, const TransferSettings& settings)
    : request_(request),
      url_(url),
      policy_(*settings.policy),
      headers_(request),
      easy_(curl_easy_init()) {
  if (!easy_) throw std::bad_alloc();
  set_limits(settings);
  set_tls(settings);
  set_request();
  set_callbacks();
}

void Transfer::set_limits(const TransferSettings& settings) {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a slow name server must not hold up a cancellation
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, protocol_for(may_be_sent_twice(request_)));
  set(easy, CURLOPT_PROXY, "");  // a proxy from the environment would pass by the url policy
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
  set(easy, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  set(easy, CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_TCP_KEEPIDLE, kKeepaliveIdleSeconds);
  set(easy, CURLOPT_TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
  set(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  set(easy, CURLOPT_USERAGENT, settings.user_agent.c_str());
  set(easy, CURLOPT_ERRORBUFFER, curl_text_);
}

void Transfer::set_tls(const TransferSettings& settings) {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_CAINFO, settings.ca_path.c_str());
  // With a directory beside the file curl would parse all roots anew for each connection.
  set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  set(easy, CURLOPT_SHARE, settings.share);  // TLS sessions
}

void Transfer::set_request() {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_CURLU, url_.handle());
  set(easy, CURLOPT_HTTPHEADER, headers_.get());
  switch (request_.method) {
    case Method::kGet:
      set(easy, CURLOPT_HTTPGET, 1L);
      break;
    case Method::kPut:
    case Method::kPost:
      set(easy, CURLOPT_POST, 1L);
      if (request_.method == Method::kPut) set(easy, CURLOPT_CUSTOMREQUEST, "PUT");
      set(easy, CURLOPT_POSTFIELDS, request_.body.data());
      set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
      break;
    case Method::kDelete:
      set(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
      break;
  }
}

void Transfer::set_callbacks() {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_RESOLVER_START_FUNCTION, &on_resolve);
  set(easy, CURLOPT_RESOLVER_START_DATA, this);
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, this);
  set(easy, CURLOPT_PREREQFUNCTION, &on_request);
  set(easy, CURLOPT_PREREQDATA, this);
  set(easy, CURLOPT_NOPROGRESS, 0L);
  set(easy, CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(easy, CURLOPT_XFERINFODATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &on_header);
  set(easy, CURLOPT_HEADERDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &on_body);
  set(easy, CURLOPT_WRITEDATA, this);
}

Outcome Transfer::finish(CURLcode code) {
  const std::string& host = url_.host();
  switch (stop_) {
    case Stop::kNone:
      break;
    case Stop::kBodyTooLarge:
      return {Error{ErrorCode::kCapExceeded, "response from \"" + host + "\" is too large",
                    "The limit is " + std::to_string(request_.max_body_bytes) + " bytes.", ""},
              Repeat::kPointless};
    case Stop::kHeadTooLarge:
      return {Error{ErrorCode::kInvalidResponse,
                    "response header from \"" + host + "\" is too large", "", ""},
              Repeat::kPointless};
    case Stop::kOutOfMemory:
      return {Error{ErrorCode::kOutOfMemory, "out of memory", "", ""}, Repeat::kPointless};
  }
  if (code != CURLE_OK) {
    const bool is_refused = has_refused_address_ && progress_ != Progress::kSent;
    if (is_refused) return {refused_address(), Repeat::kPointless};
    return explain_failure(code, progress_, host, curl_text_);
  }
  // curl takes a head that breaks off for a whole one.
  if (!head_.is_complete()) return explain_failure(CURLE_GOT_NOTHING, progress_, host, curl_text_);
  make_room(body_.size());
  Response response;
  response.status = head_.status();
  response.headers = head_.take_headers();
  response.body = std::move(body_);
  response.wire_bytes = wire_bytes();
  return {std::move(response), repeat_after_status(head_.status())};
}

std::uint64_t Transfer::wire_bytes() const noexcept {
  curl_off_t bytes = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_DOWNLOAD_T, &bytes);
  return static_cast<std::uint64_t>(std::max<curl_off_t>(bytes, 0));
}

std::uint64_t Transfer::connections_opened() const noexcept {
  long count = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &count);
  return static_cast<std::uint64_t>(std::max(count, 0L));
}

Error Transfer::refused_address() const {
  return {ErrorCode::kInvalidArgument, "host \"" + url_.host() + "\" has a private network address",
          "Requests go to public addresses only.",
          "If the host is meant, add it to the allowed private hosts."};
}

// The first piece sees the announced length; without one the string doubles as it grows.
bool Transfer::take_body(std::string_view piece) {
  const std::size_t limit = request_.max_body_bytes;
  if (piece.size() > limit - body_.size()) {
    stop_ = Stop::kBodyTooLarge;
    return false;
  }
  const std::size_t needed = body_.size() + piece.size();
  if (body_.capacity() < needed + kBodyPadding) {
    const auto announced = body_.empty() ? head_.content_length().value_or(0) : 0;
    const std::size_t doubled = std::min(2 * needed, limit);
    make_room(std::max<std::size_t>(std::min<std::uint64_t>(announced, limit), doubled));
  }
  body_.append(piece);
  return true;
}

void Transfer::make_room(std::size_t size) {
  if (body_.capacity() < size + kBodyPadding) body_.reserve(size + kBodyPadding);
}

int Transfer::on_resolve(void*, void*, void* self) noexcept {
  static_cast<Transfer*>(self)->reach(Progress::kConnecting);
  return 0;
}

// Runs for each address that a host resolves to, at the moment it is used.
curl_socket_t Transfer::on_open_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  transfer->reach(Progress::kConnecting);
  if (!transfer->policy_.allows(transfer->url_, address->addr)) {
    transfer->has_refused_address_ = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Runs before a request goes out. curl itself sends again, without asking, when a reused connection
// breaks before the first byte of the reply; the server may have acted by then.
int Transfer::on_request(void* self, char*, char*, int, int) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  const bool was_sent = transfer->progress_ == Progress::kSent;
  if (was_sent && !may_be_sent_twice(transfer->request_)) return CURL_PREREQFUNC_ABORT;
  transfer->reach(Progress::kSent);
  transfer->last_byte_at_ = Deadline::Clock::now();
  return CURL_PREREQFUNC_OK;
}

int Transfer::on_progress(void* self, curl_off_t, curl_off_t download, curl_off_t,
                          curl_off_t upload) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  const curl_off_t bytes = download + upload;
  if (bytes == transfer->bytes_seen_) return 0;
  transfer->bytes_seen_ = bytes;
  transfer->last_byte_at_ = Deadline::Clock::now();
  return 0;
}

std::size_t Transfer::on_header(char* line, std::size_t, std::size_t size, void* self) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  transfer->last_byte_at_ = Deadline::Clock::now();
  try {
    if (!transfer->head_.take({line, size})) transfer->stop_ = Stop::kHeadTooLarge;
    const Head& head = transfer->head_;
    if (head.is_complete() && head.content_length() > transfer->request_.max_body_bytes) {
      transfer->stop_ = Stop::kBodyTooLarge;
    }
  } catch (const std::bad_alloc&) {
    transfer->stop_ = Stop::kOutOfMemory;
  }
  return transfer->stop_ == Stop::kNone ? size : CURL_WRITEFUNC_ERROR;
}

std::size_t Transfer::on_body(char* piece, std::size_t, std::size_t size, void* self) noexcept {
  auto* const transfer = static_cast<Transfer*>(self);
  try {
    return transfer->take_body({piece, size}) ? size : CURL_WRITEFUNC_ERROR;
  } catch (const std::bad_alloc&) {
    transfer->stop_ = Stop::kOutOfMemory;
    return CURL_WRITEFUNC_ERROR;
  }
}

}  // namespace lakehouse::http
