// SPDX-License-Identifier: PostgreSQL
// What every store does alike.
#include "core/delta/store.hpp"

#include <algorithm>

namespace lakehouse::delta {
namespace {

// Longer segments no file system takes.
constexpr std::size_t kLongestSegment = 255;

bool is_segment(std::string_view segment) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return !segment.empty() && segment.size() <= kLongestSegment && segment != "." &&
         segment != ".." && !segment.starts_with(kUnfinished) &&
         std::none_of(segment.begin(), segment.end(), is_control);
}

}  // namespace

Status check_name(std::string_view name) {
  while (true) {
    const std::size_t end = name.find('/');
    if (!is_segment(name.substr(0, end))) {
      return Error{ErrorCode::kInvalidArgument, "a file of a table can't have this name",
                   "A name is relative and has no empty, \".\" or \"..\" segment.", ""};
    }
    if (end == std::string_view::npos) return kDone;
    name.remove_prefix(end + 1);
  }
}

Status Store::remove_folder(std::string_view, const Context&) { return kDone; }

Status Store::put(std::string_view name, std::string_view content, const Context& context) {
  auto written = put(name, content, IfPresent::kReplace, context);
  if (!written) return std::move(written).error();
  return kDone;
}

Result<bool> Store::put_if_absent(std::string_view name, std::string_view content,
                                  const Context& context) {
  return put(name, content, IfPresent::kKeep, context);
}

Result<bool> Store::put(std::string_view name, std::string_view content, IfPresent if_present,
                        const Context& context) {
  auto upload = create(name, context);
  if (!upload) return std::move(upload).error();
  if (Status status = (*upload)->write(std::as_bytes(std::span(content))); !status) {
    return std::move(status).error();
  }
  return (*upload)->finish(if_present);
}

Result<std::string> Store::get(std::string_view name, std::size_t most, const Context& context) {
  auto source = open(name, context);
  if (!source) return std::move(source).error();
  const auto bytes = static_cast<std::size_t>((*source)->bytes());
  if (bytes > most) {
    return Error{ErrorCode::kCapExceeded, "a file of a table is larger than expected",
                 std::to_string(bytes) + " bytes; " + std::to_string(most) + " are the most.", ""};
  }
  std::string content(bytes, '\0');
  auto got = (*source)->read(0, std::as_writable_bytes(std::span(content)));
  if (!got) return std::move(got).error();
  content.resize(*got);
  return content;
}

}  // namespace lakehouse::delta
