// SPDX-License-Identifier: PostgreSQL
// Request and response as handlers see them: plain values, no network library.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/error.hpp"
#include "worker/io/descriptor.hpp"

namespace lakehouse::worker::http {

class Stream;

struct Header {
  std::string name;  // of a request: in lower case
  std::string value;
};

struct Request {
  std::string method;
  std::string path;   // as sent, without the query
  std::string query;  // after the first '?', still encoded
  std::vector<Header> headers;
  std::string body;
  std::vector<std::string> parameters;  // what the route's {names} stand for, decoded, in order
  std::string client_address;           // of the client, not of a trusted proxy in between
  std::string tenant;                   // slug, where the host names one; else empty

  // First value of a header, name in lower case; empty if there is none.
  std::string_view header(std::string_view name) const;
};

// Bytes of a regular file. It closes when they are sent, or the client has gone.
struct FileBody {
  std::shared_ptr<const io::Descriptor> file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// What an error says, whatever its shape.
struct Problem {
  std::string code, message;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<Header> headers;
  std::string body;
  // What the body says, of an error that this server itself answers with.
  std::optional<Problem> problem = {};
  // In place of the body: sent from where it lies, without a thread that waits. If the file turns
  // out to be shorter, the connection breaks.
  std::optional<FileBody> file;
  // In place of the body: sent as it comes. Stays open until it is ended, or the client has gone.
  std::shared_ptr<Stream> stream;
  // Writes the stream on a handler thread, beginning when the header is under way.
  std::function<void(Stream& stream, const Context& context)> producer;
};

// The context's stop is requested as well when the client closes the connection.
// Runs on a handler thread, may wait within the context, must return.
using Handler = std::function<Response(const Request& request, const Context& context)>;

// {"code", "message", "details", "hint"}: the shape of every error this server answers with, but
// where a protocol has one of its own (see Tree).
Response problem(int status, std::string_view code, std::string_view message,
                 std::string_view details = {}, std::string_view hint = {});
Response problem(const Error& error);

}  // namespace lakehouse::worker::http
