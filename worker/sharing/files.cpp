// SPDX-License-Identifier: PostgreSQL
// GET and HEAD of files in the local directory, by their signed URLs. The kernel of Delta does not
// look at the status, so what it takes for a file is short and says what is wrong.
#include <sys/stat.h>

#include "worker/http/range.hpp"
#include "worker/sharing/server.hpp"

namespace lakehouse::worker::sharing {
namespace {

http::Response refuse_url(std::string_view message) {
  return forbidden(std::string(message) + "; ask for the table's files again");
}

// Files never change, so their name would do; a publish that was begun anew has other names.
std::string etag_of(const struct stat& facts) {
  return std::to_string(facts.st_ino) + "-" + std::to_string(facts.st_size) + "-" +
         std::to_string(facts.st_mtim.tv_sec) + "." + std::to_string(facts.st_mtim.tv_nsec);
}

http::Response send(const http::Request& request, FileDescriptor file) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return not_found("the file is not there any more");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  http::Part part = http::choose_part(request, size, etag_of(facts));
  http::Response response;
  response.status = part.status;
  response.content_type = "application/octet-stream";
  response.headers = std::move(part.headers);
  response.headers.push_back({"Cache-Control", "private, no-store"});
  if (part.status != 200 && part.status != 206) return response;
  response.file = {std::make_shared<const io::Descriptor>(file.release()), part.offset,
                   part.length};
  return response;
}

}  // namespace

http::Response Server::file(const http::Request& request, const Context& context) {
  const auto claim = signed_urls_.verify(request, now());
  if (!claim) return refuse_url("the URL is not one that this server has made");
  if (claim->is_expired) return refuse_url("the URL has expired");
  const auto place = file_access_.find(*claim, request.client_address, context);
  if (!place) return failed(place.error(), context);
  if (!*place || !(*place)->store_id.empty()) {
    return refuse_url("the URL is not good any more, or not from this address");
  }
  const auto directory = stores_.directory();
  if (!directory) return failed(directory.error(), context);
  auto file = (*directory)->open_file((*place)->location + "/" + claim->path);
  if (file) return send(request, *std::move(file));
  if (file.error().code == ErrorCode::kNotFound) {
    return not_found("the file is not there any more; ask for the table's files again");
  }
  return failed(file.error(), context);
}

}  // namespace lakehouse::worker::sharing
