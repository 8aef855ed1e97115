// SPDX-License-Identifier: PostgreSQL
// The phases of a connection, in the order of the functions: handshake, idle, header, body,
// handler, answer, end. Each phase sets its own time; a phase that outlasts it ends the connection.
#include "worker/http/connection.hpp"

#include <chrono>
#include <optional>
#include <type_traits>

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "worker/http/translate.hpp"
#include "worker/log/request_id.hpp"

namespace lakehouse::worker::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr std::size_t kReadBytes = 4096;
// After the last answer: how long, and how much, a client may still send before the socket closes.
// Closing with unread bytes would reset the connection, and the client might never see the answer.
constexpr std::chrono::milliseconds kLingerTime{2'000};
constexpr std::size_t kLingerBytes = 256U << 10U;

// What a client gets for a request that can't be read; nothing if the connection itself has failed.
std::optional<Response> refusal(error_code error) {
  using HttpError = beast::http::error;
  if (error == HttpError::header_limit || error == HttpError::buffer_overflow) {
    return problem(431, "HEADER_TOO_LARGE", "the request's header is too large");
  }
  if (error == HttpError::body_limit) {
    return problem(413, "BODY_TOO_LARGE", "the request's body is too large");
  }
  const auto& http_category = beast::http::make_error_code(HttpError::bad_method).category();
  const bool is_malformed = error.category() == http_category &&
                            error != HttpError::end_of_stream &&
                            error != HttpError::partial_message;
  if (!is_malformed) return std::nullopt;
  return problem(400, "BAD_REQUEST", "the request is malformed");
}

template <typename Stream>
class TypedConnection final : public Connection,
                              public std::enable_shared_from_this<TypedConnection<Stream>> {
 public:
  template <typename... Arguments>
  explicit TypedConnection(Site& site, Arguments&&... arguments)
      : Connection(site),
        stream_(std::forward<Arguments>(arguments)...),
        buffer_(site.limits.header_bytes + kReadBytes) {}

  void start() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      tcp().expires_after(site_.limits.handshake_time);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](error_code error) {
        if (!error) self->await_request();
      });
    } else {
      await_request();
    }
  }

  void drain() override {
    if (is_idle_) tcp().close();
  }

 private:
  std::shared_ptr<TypedConnection> self() { return this->shared_from_this(); }
  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }

  void await_request() {
    parser_.emplace();
    parser_->header_limit(site_.limits.header_bytes);
    parser_->body_limit(site_.limits.body_bytes);
    if (buffer_.size() > 0) return read_header();
    if (site_.is_draining) return end();
    is_idle_ = true;
    tcp().expires_after(site_.limits.idle_time);
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = self()](error_code error, std::size_t count) {
                              self->is_idle_ = false;
                              if (error) return;
                              self->buffer_.commit(count);
                              self->read_header();
                            });
  }

  void read_header() {
    tcp().expires_after(site_.limits.header_time);
    beast::http::async_read_header(stream_, buffer_, *parser_,
                                   [self = self()](error_code error, std::size_t) {
                                     if (error) return self->refuse(error);
                                     self->read_body();
                                   });
  }

  void read_body() {
    tcp().expires_after(site_.limits.body_time);
    const bool is_expecting =
        beast::iequals(parser_->get()[beast::http::field::expect], "100-continue");
    if (!is_expecting) return read_rest();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(kContinue),
                      [self = self()](error_code error, std::size_t) {
                        if (!error) self->read_rest();
                      });
  }

  void read_rest() {
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = self()](error_code error, std::size_t) {
                              if (error) return self->refuse(error);
                              self->dispatch();
                            });
  }

  void dispatch() {
    tcp().expires_never();
    ++site_.counters.served_http_requests;
    BeastRequest received = parser_->release();
    reply_ = {received.version(), received.keep_alive(),
              received.method() == beast::http::verb::head, new_request_id()};
    auto request = to_request(std::move(received));
    if (!request) return write_last(problem(400, "BAD_REQUEST", "the request is malformed"));
    if (log::is_request_id(request->header("x-request-id"))) {
      reply_.request_id = request->header("x-request-id");
    }
    const Context context{Deadline::in(site_.limits.handler_time), site_.stop.get_token(),
                          reply_.request_id};
    asio::post(site_.handlers, [self = self(), request = *std::move(request), context]() mutable {
      handle(std::move(self), request, context);
    });
  }

  // On a handler thread; the connection goes back to the I/O thread with the answer.
  static void handle(std::shared_ptr<TypedConnection> self, const Request& request,
                     const Context& context) noexcept {
    try {
      auto response = self->site_.router.answer(request, context);
      const auto executor = self->stream_.get_executor();
      asio::post(executor, [self = std::move(self), response = std::move(response)]() mutable {
        self->write(std::move(response));
      });
    } catch (const std::exception&) {  // no memory to hand the answer over: the connection closes
    }
  }

  void refuse(error_code error) {
    auto response = refusal(error);
    if (!response) return;  // timeout, reset or end: dropping the last reference closes the socket
    reply_ = {11, false, false, new_request_id()};
    write_last(*std::move(response));
  }

  void write_last(Response response) {
    reply_.is_kept_alive = false;
    write(std::move(response));
  }

  void write(Response response) {
    if (site_.is_draining) reply_.is_kept_alive = false;
    message_.emplace(to_beast(std::move(response), reply_));
    tcp().expires_after(site_.limits.write_time);
    beast::http::async_write(stream_, *message_, [self = self()](error_code error, std::size_t) {
      if (error) return;
      const bool is_last = !self->reply_.is_kept_alive;
      self->message_.reset();
      is_last ? self->end() : self->await_request();
    });
  }

  void end() {
    tcp().expires_after(kLingerTime);
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_shutdown([self = self()](error_code) {});
    } else {
      error_code ignored;
      tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      buffer_.clear();
      linger();
    }
  }

  void linger() {
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = self()](error_code error, std::size_t count) {
                              self->lingered_bytes_ += count;
                              if (!error && self->lingered_bytes_ < kLingerBytes) self->linger();
                            });
  }

  std::string new_request_id() { return "http-" + std::to_string(++site_.request_count); }

  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::optional<BeastResponse> message_;
  Reply reply_;
  std::size_t lingered_bytes_ = 0;
  bool is_idle_ = false;
};

}  // namespace

Connection::Connection(Site& site) : site_(site) {
  const std::scoped_lock lock(site_.mutex);
  site_.connections.insert(this);
}

Connection::~Connection() {
  const std::scoped_lock lock(site_.mutex);
  site_.connections.erase(this);
  if (site_.connections.empty()) site_.emptied.notify_all();
}

void serve_connection(asio::ip::tcp::socket socket, asio::ssl::context* tls, Site& site) {
  if (tls == nullptr) {
    std::make_shared<TypedConnection<beast::tcp_stream>>(site, std::move(socket))->start();
  } else {
    std::make_shared<TypedConnection<TlsStream>>(site, std::move(socket), *tls)->start();
  }
}

}  // namespace lakehouse::worker::http
