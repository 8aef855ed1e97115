// SPDX-License-Identifier: PostgreSQL
// One read is always under way, so that a client that leaves is noticed in every phase; what it
// brings is judged by the phase. One timer holds the time of the phase, and ends the connection.
// The functions stand in the order of the phases: handshake, request, handler, answer, end.
#include "worker/http/connection.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <sstream>
#include <type_traits>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "worker/http/file_transfer.hpp"
#include "worker/http/intake.hpp"
#include "worker/http/stream.hpp"
#include "worker/http/translate.hpp"
#include "worker/log/request_id.hpp"

namespace lakehouse::worker::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using TlsStream = beast::ssl_stream<tcp::socket>;

constexpr std::size_t kReadBytes = 4096;
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kIdleComment = ": keep-alive\n\n";
// After the last answer: how long, and how much, a client may still send before the socket closes.
// Closing with unread bytes would reset the connection, and the client might never see the answer.
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::size_t kLingerBytes = 256U << 10U;

std::string chunk_of(const std::string& bytes) {
  std::ostringstream size;
  size << std::hex << bytes.size();
  return size.str() + "\r\n" + bytes + "\r\n";
}

template <typename Socket>
class TypedConnection final : public Connection,
                              public std::enable_shared_from_this<TypedConnection<Socket>> {
 public:
  template <typename... Arguments>
  TypedConnection(Site& site, Ends ends, tcp::socket socket, Arguments&&... arguments)
      : Connection(site, ends),
        intake_(site.limits),
        timer_(socket.get_executor()),
        socket_(std::move(socket), std::forward<Arguments>(arguments)...) {}
  ~TypedConnection() override { leave_stream(); }

  void start() {
    if constexpr (std::is_same_v<Socket, TlsStream>) {
      limit(site_.limits.handshake_time);
      socket_.async_handshake(asio::ssl::stream_base::server, [self = self()](error_code error) {
        error ? self->close() : self->await_request();
      });
    } else {
      await_request();
    }
  }

  void drain() override {
    reply_.is_kept_alive = false;
    if (phase_ == Phase::kIdle) close();
    // Of a stream that has ended, the last bytes may still be on their way.
    if (phase_ == Phase::kStream && !has_producer_ && response_stream_) response_stream_->end();
  }

 private:
  enum class Phase { kHandshake, kIdle, kHead, kBody, kHandler, kAnswer, kStream, kEnd };

  std::shared_ptr<TypedConnection> self() { return this->shared_from_this(); }
  tcp::socket& raw_socket() { return beast::get_lowest_layer(socket_); }

  // ---- time and end

  void limit(std::chrono::milliseconds span) {
    timer_.expires_after(span);
    timer_.async_wait([self = self()](error_code cancelled) {
      // It may have been set anew after this call was queued.
      if (!cancelled && self->timer_.expiry() <= std::chrono::steady_clock::now()) {
        self->on_timeout();
      }
    });
  }

  void wait_without_limit() { timer_.expires_at(asio::steady_timer::time_point::max()); }

  void on_timeout() {
    if (phase_ != Phase::kStream || is_writing_) return close();
    send_idle_comment();
  }

  void close() {
    if (phase_ == Phase::kHandler || phase_ == Phase::kStream) stop_.request_stop();
    phase_ = Phase::kEnd;
    wait_without_limit();
    leave_stream();
    file_.reset();
    error_code ignored;
    raw_socket().close(ignored);
  }

  // ---- reading

  // Requests that are pipelined wait in the intake, up to a bound; then with the client.
  void read() {
    if (is_reading_ || has_input_ended_ || intake_.is_full()) return;
    is_reading_ = true;
    socket_.async_read_some(asio::buffer(block_),
                            [self = self()](error_code error, std::size_t count) {
                              self->is_reading_ = false;
                              self->on_read(error, count);
                            });
  }

  void on_read(error_code error, std::size_t count) {
    if (error) {
      has_input_ended_ = true;
      return on_input_end();
    }
    intake_.add({block_.data(), count});
    if (phase_ < Phase::kHandler) advance();
    if (phase_ == Phase::kEnd) linger();
    read();
  }

  // The client has gone, or will at least say nothing more.
  void on_input_end() {
    switch (phase_) {
      case Phase::kHandler:
        stop_.request_stop();
        break;
      case Phase::kAnswer:
        break;
      case Phase::kEnd:
        if (!is_shutting_down_) close();
        break;
      default:
        close();
    }
  }

  // ---- request

  void await_request() {
    phase_ = Phase::kIdle;
    if (intake_.is_empty()) {
      if (site_.is_draining || has_input_ended_) return end();
      limit(site_.limits.idle_time);
    } else {
      advance();
    }
    read();
  }

  void advance() {
    if (is_writing_) return;  // that it may continue
    switch (intake_.advance()) {
      case Intake::Progress::kHead:
        return receive(Phase::kHead, site_.limits.header_time);
      case Intake::Progress::kBody:
        receive(Phase::kBody, site_.limits.body_time);
        if (intake_.must_say_continue()) say_continue();
        return;
      case Intake::Progress::kRequest:
        return dispatch(intake_.release());
      case Intake::Progress::kRefused:
        return refuse(site_.router.shaped(intake_.refused_path(), intake_.refusal()));
    }
  }

  void receive(Phase phase, std::chrono::milliseconds span) {
    if (std::exchange(phase_, phase) != phase) limit(span);
  }

  void say_continue() {
    is_writing_ = true;
    asio::async_write(socket_, asio::buffer(kContinue),
                      [self = self()](error_code error, std::size_t) {
                        self->is_writing_ = false;
                        if (error) return self->close();
                        if (self->phase_ == Phase::kBody) self->advance();
                        self->read();
                      });
  }

  // ---- handler

  void dispatch(Intake::Received received) {
    phase_ = Phase::kHandler;
    wait_without_limit();
    ++site_.counters.served_http_requests;
    Request& request = received.request;
    reply_ = {received.version,
              received.is_kept_alive,
              request.method == "HEAD",
              request_id(request),
              {}};
    auto verdict = site_.access.admit(request, ends_, site_.router);
    reply_.headers = std::move(verdict.headers);
    if (verdict.answer) {
      return answer(site_.router.shaped(request.path, *std::move(verdict.answer)));
    }

    stop_ = std::stop_source();
    Job job{self(),
            std::move(request),
            stop_,
            {Deadline::in(site_.limits.handler_time), stop_.get_token(), reply_.request_id}};
    auto& threads = site_.router.audience(job.request.path) == Audience::kProbes ? site_.probes
                                                                                 : site_.handlers;
    asio::post(threads, [job = std::move(job)]() mutable { handle(std::move(job)); });
  }

  std::string request_id(const Request& request) {
    const std::string_view given = request.header("x-request-id");
    return log::is_request_id(given) ? std::string(given) : new_request_id();
  }
  std::string new_request_id() { return "http-" + std::to_string(++site_.request_count); }

  struct Job {
    std::shared_ptr<TypedConnection> connection;
    Request request;
    std::stop_source stop;
    Context context;
  };

  // On a handler thread; the connection goes back to the I/O thread with the answer, and what
  // produces a stream stays here.
  static void handle(Job job) noexcept {
    const std::stop_callback on_drain(job.connection->site_.stop.get_token(),
                                      [&job] { job.stop.request_stop(); });
    std::shared_ptr<Stream> stream;
    try {
      const bool is_for_head = job.request.method == "HEAD";
      auto response = job.connection->site_.router.answer(std::move(job.request), job.context);
      stream = response.stream;
      auto producer = std::exchange(response.producer, nullptr);
      const bool has_producer = producer != nullptr && !is_for_head;
      const auto executor = job.connection->socket_.get_executor();
      asio::post(executor, [self = std::move(job.connection), response = std::move(response),
                            has_producer]() mutable {
        self->has_producer_ = has_producer;
        self->answer(std::move(response));
      });
      if (!stream || !has_producer) return;
      producer(*stream, job.context);
      stream->end();
    } catch (const std::exception&) {  // most likely no memory: the connection closes
      if (stream) stream->fail();
    }
  }

  // ---- answer

  void refuse(Response response) {
    reply_ = {11, false, false, new_request_id(), {}};
    answer(std::move(response));
  }

  void answer(Response response) {
    if (phase_ == Phase::kEnd) {  // closed meanwhile
      if (response.stream) response.stream->abandon();
      return;
    }
    if (site_.is_draining || has_input_ended_) reply_.is_kept_alive = false;
    if (response.stream) return begin_stream(std::move(response));
    const bool has_content = has_body(response.status) && !reply_.is_for_head;
    if (response.file && has_content) return begin_file(std::move(response));
    phase_ = Phase::kAnswer;
    limit(site_.limits.write_time);
    message_.emplace(to_beast(std::move(response), reply_));
    beast::http::async_write(socket_, *message_, [self = self()](error_code error, std::size_t) {
      self->message_.reset();
      error ? self->close() : self->finish();
    });
  }

  std::string head_of(Response& response) const {
    std::ostringstream head;
    head << to_beast(std::move(response), reply_).base();
    return head.str();
  }

  void finish() { reply_.is_kept_alive && !has_input_ended_ ? await_request() : end(); }

  // ---- file

  void begin_file(Response response) {
    phase_ = Phase::kAnswer;
    error_code ignored;
    raw_socket().native_non_blocking(true, ignored);
    FileBody body = *std::move(response.file);
    file_.emplace(head_of(response), std::move(body));
    wait_without_limit();
    send_file();
  }

  // A turn; then others have theirs.
  void send_file() {
    if (file_->is_done()) {
      file_.reset();
      drop_outgoing();
      return finish();
    }
    if constexpr (std::is_same_v<Socket, TlsStream>) {
      if (!file_->read(outgoing_)) return close();
      write_outgoing([](TypedConnection& self) { self.send_file(); });
    } else {
      file_->begin_portion();
      send_portion();
    }
  }

  // The time of a portion is looked at once the client is waited for.
  void send_portion() {
    switch (file_->send(raw_socket().native_handle())) {
      case FileTransfer::Progress::kSent:
        if (std::exchange(is_portion_limited_, false)) wait_without_limit();
        return asio::post(socket_.get_executor(), [self = self()] {
          if (self->file_) self->send_file();
        });
      case FileTransfer::Progress::kWait:
        if (!std::exchange(is_portion_limited_, true)) limit(site_.limits.write_time);
        return raw_socket().async_wait(tcp::socket::wait_write, [self = self()](error_code error) {
          if (!self->file_) return;  // closed meanwhile
          error ? self->close() : self->send_portion();
        });
      case FileTransfer::Progress::kBroken:
        return close();
    }
  }

  // ---- stream

  void begin_stream(Response response) {
    phase_ = Phase::kAnswer;
    response_stream_ = response.stream;
    is_chunked_ = reply_.version >= 11;
    is_event_stream_ = response.content_type.starts_with("text/event-stream");
    last_bytes_ = "\n\n";
    if (!is_chunked_) reply_.is_kept_alive = false;
    std::string head = head_of(response);
    if (reply_.is_for_head) {
      leave_stream();
      return write(std::move(head), [](TypedConnection& self) { self.finish(); });
    }
    phase_ = Phase::kStream;
    if (has_input_ended_) return close();
    write(std::move(head), [](TypedConnection& self) { self.attach(); });
  }

  void attach() {
    if (site_.is_draining && !has_producer_) response_stream_->end();
    response_stream_->attach([weak = this->weak_from_this(), executor = socket_.get_executor()] {
      asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->pump();
      });
    });
    pump();
  }

  // Sends what waits, or waits.
  void pump() {
    if (phase_ != Phase::kStream || is_writing_) return;
    auto portion = response_stream_->take();
    if (portion.is_broken) return close();
    std::string bytes = frame(portion.bytes);
    if (portion.is_last && is_chunked_) bytes += kLastChunk;
    if (portion.is_last) {
      leave_stream();
      return write(std::move(bytes), [](TypedConnection& self) { self.finish(); });
    }
    if (!bytes.empty()) return write(std::move(bytes), [](TypedConnection& self) { self.pump(); });
    is_event_stream_ ? limit(site_.limits.keep_alive_time) : wait_without_limit();
  }

  std::string frame(const std::string& bytes) {
    if (bytes.empty()) return {};
    last_bytes_ += bytes.size() > 2 ? bytes.substr(bytes.size() - 2) : bytes;
    last_bytes_.erase(0, last_bytes_.size() - 2);
    return is_chunked_ ? chunk_of(bytes) : bytes;
  }

  // Not between the lines of an event.
  void send_idle_comment() {
    if (last_bytes_ != "\n\n") return limit(site_.limits.keep_alive_time);
    write(frame(std::string(kIdleComment)), [](TypedConnection& self) { self.pump(); });
  }

  void leave_stream() {
    if (response_stream_) std::exchange(response_stream_, nullptr)->abandon();
  }

  void write(std::string bytes, void (*next)(TypedConnection&)) {
    outgoing_ = std::move(bytes);
    write_outgoing(next);
  }

  void write_outgoing(void (*next)(TypedConnection&)) {
    is_writing_ = true;
    limit(site_.limits.write_time);
    asio::async_write(socket_, asio::buffer(outgoing_),
                      [self = self(), next](error_code error, std::size_t) {
                        self->is_writing_ = false;
                        if (!self->file_) self->drop_outgoing();  // else its room is used again
                        if (error) return self->close();
                        if (self->phase_ != Phase::kEnd) next(*self);
                      });
  }

  void drop_outgoing() { std::string().swap(outgoing_); }

  // ---- end

  void end() {
    phase_ = Phase::kEnd;
    limit(kLingerTime);
    intake_.drop();
    if constexpr (std::is_same_v<Socket, TlsStream>) {
      is_shutting_down_ = true;
      socket_.async_shutdown([self = self()](error_code) { self->close(); });
    } else {
      error_code ignored;
      socket_.shutdown(tcp::socket::shutdown_send, ignored);
      if (has_input_ended_) return close();
      read();
    }
  }

  void linger() {
    lingered_bytes_ += intake_.drop();
    if (lingered_bytes_ >= kLingerBytes) close();
  }

  Intake intake_;
  asio::steady_timer timer_;
  Socket socket_;
  Phase phase_ = Phase::kHandshake;
  bool is_reading_ = false, is_writing_ = false, has_input_ended_ = false;
  bool is_shutting_down_ = false;  // TLS: closes when that is done
  std::array<char, kReadBytes> block_;
  std::string outgoing_;
  std::stop_source stop_;  // of the handler under way
  Reply reply_;
  std::optional<BeastResponse> message_;
  std::optional<FileTransfer> file_;  // under way
  bool is_portion_limited_ = false;
  std::shared_ptr<Stream> response_stream_;
  bool has_producer_ = false, is_chunked_ = false, is_event_stream_ = false;
  std::string last_bytes_;
  std::size_t lingered_bytes_ = 0;
};

}  // namespace

Connection::Connection(Site& site, Ends ends) : site_(site), ends_(ends) {
  const std::scoped_lock lock(site_.mutex);
  site_.connections.insert(this);
  ++site_.connections_of[client_key(ends_.peer)];
}

Connection::~Connection() {
  const std::scoped_lock lock(site_.mutex);
  site_.connections.erase(this);
  const auto of_client = site_.connections_of.find(client_key(ends_.peer));
  if (--of_client->second == 0) site_.connections_of.erase(of_client);
  if (site_.connections.empty()) site_.emptied.notify_all();
}

std::string Connection::client_key(const config::IpAddress& peer) {
  // Whoever has one IPv6 address has the 2^64 of its network.
  const std::size_t bytes = peer.is_ip4() ? peer.bytes().size() : peer.bytes().size() / 2;
  return {reinterpret_cast<const char*>(peer.bytes().data()), bytes};
}

void serve_connection(tcp::socket socket, Ends ends, asio::ssl::context* tls, Site& site) {
  if (tls == nullptr) {
    std::make_shared<TypedConnection<tcp::socket>>(site, ends, std::move(socket))->start();
  } else {
    std::make_shared<TypedConnection<TlsStream>>(site, ends, std::move(socket), *tls)->start();
  }
}

}  // namespace lakehouse::worker::http
