// SPDX-License-Identifier: PostgreSQL
// Per chunk: a link at hand, or /result/chunks/{n}, then the link's body; a few rounds, then give
// up.
#include "core/warehouse/databricks/result_source.hpp"

#include <chrono>

#include "core/base/json_text.hpp"

namespace lakehouse::warehouse::databricks {
namespace {

// So often is a chunk's link asked for again before its chunk counts as lost.
constexpr int kMaxRounds = 4;
// A link that ends within this time is not begun with; storage and we needn't have the same clock.
constexpr std::int64_t kExpiryMarginUs = 30'000'000;

std::int64_t unix_micros_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

Error contradiction(std::string detail) {
  return {ErrorCode::kInvalidResponse, "remote result contradicts its own description",
          std::move(detail),
          "Run the query again; if it fails again, report it with the statement's id."};
}

// What the manifest leaves out follows from the first part, if it is the only one.
Result<std::size_t> chunk_count_of(const StatementAnswer& answer) {
  const ResultPart& part = answer.result;
  const bool has_content = part.has_rows || !part.links.empty();
  if (answer.manifest && answer.manifest->total_chunk_count) {
    const std::uint64_t count = *answer.manifest->total_chunk_count;
    if (count == 0 && has_content && part.facts.row_count.value_or(0) > 0) {
      return contradiction("It has rows, but no chunks were announced.");
    }
    return static_cast<std::size_t>(count);
  }
  if (!has_content) return std::size_t{0};
  if (!part.next_chunk_index) return std::size_t{1};
  return contradiction("It has several chunks, but their number is missing.");
}

}  // namespace

struct ResultSource::Fetch {
  std::size_t index = 0;
  std::size_t max_bytes = 0;
  Context context;
  Callback done;
  int rounds = 0;
  std::uint64_t wire_bytes = 0;
};

Result<std::shared_ptr<ResultSource>> ResultSource::create(std::shared_ptr<Api> api,
                                                           Launched finished) {
  Result<std::size_t> chunk_count = chunk_count_of(finished.answer);
  if (!chunk_count) return std::move(chunk_count).error();
  return std::shared_ptr<ResultSource>(
      new ResultSource(std::move(api), std::move(finished), *chunk_count));
}

ResultSource::ResultSource(std::shared_ptr<Api> api, Launched finished, std::size_t chunk_count)
    : api_(std::move(api)), id_(finished.answer.id), chunk_count_(chunk_count) {
  if (finished.answer.manifest) facts_ = std::move(finished.answer.manifest->chunks);
  ResultPart& part = finished.answer.result;
  if (part.has_rows && part.chunk_index == 0) {
    first_rows_ = ChunkBody{std::move(finished.body), part.rows_begin,      part.rows_size,
                            finished.wire_bytes,      part.facts.row_count, part.facts.row_offset};
  }
  remember(std::move(part.links));
}

std::uint64_t ResultSource::expected_bytes(std::size_t index) const {
  const std::uint64_t announced = index < facts_.size() ? facts_[index].byte_count : 0;
  const std::lock_guard lock(mutex_);
  const auto known = link_bytes_.find(index);
  return known == link_bytes_.end() ? announced : std::max(announced, known->second);
}

void ResultSource::fetch(std::size_t index, std::size_t max_bytes, Context context, Callback done) {
  auto fetch = std::make_shared<Fetch>();
  fetch->index = index;
  fetch->max_bytes = max_bytes;
  fetch->context = std::move(context);
  fetch->done = std::move(done);
  if (index == 0) {
    std::unique_lock lock(mutex_);
    if (first_rows_) {
      ChunkBody body = std::move(*first_rows_);
      first_rows_.reset();
      lock.unlock();
      const ChunkFacts facts{body.row_offset, body.row_count, 0};
      return deliver(fetch, std::move(body), facts);
    }
  }
  if (std::optional<Link> link = take_link(index); link) return follow(fetch, std::move(*link));
  ask_for_chunk(fetch);
}

// A link is used once: when its body has to be got again, so has the link.
std::optional<Link> ResultSource::take_link(std::size_t index) {
  const std::lock_guard lock(mutex_);
  const auto found = links_.find(index);
  if (found == links_.end()) return std::nullopt;
  Link link = std::move(found->second);
  links_.erase(found);
  const bool is_expired =
      link.expires_at_us != 0 && link.expires_at_us < unix_micros_now() + kExpiryMarginUs;
  if (is_expired) return std::nullopt;
  return link;
}

void ResultSource::remember(std::vector<Link> links) {
  const std::lock_guard lock(mutex_);
  for (Link& link : links) {
    if (link.chunk_index >= chunk_count_) continue;
    if (link.facts.byte_count != 0) link_bytes_[link.chunk_index] = link.facts.byte_count;
    links_[link.chunk_index] = std::move(link);
  }
}

// The address is built here from the index alone; next_chunk_internal_link is never followed.
void ResultSource::ask_for_chunk(const std::shared_ptr<Fetch>& fetch) {
  if (fetch->rounds++ == kMaxRounds) {
    return fetch->done(
        Error{ErrorCode::kUnavailable, "chunk of the remote result could not be fetched",
              "Storage refused each of " + std::to_string(kMaxRounds) + " links to chunk " +
                  std::to_string(fetch->index) + " of statement " + id_ + ".",
              "Run the query again."});
  }
  const std::string path = "/api/2.0/sql/statements/" + percent_encoded(id_) + "/result/chunks/" +
                           std::to_string(fetch->index);
  api_->start(http::Method::kGet, path, {}, http::Retry::kIdempotent, fetch->context,
              [self = shared_from_this(), fetch](CallResult result) {
                self->on_chunk(fetch, std::move(result));
              });
}

void ResultSource::on_chunk(const std::shared_ptr<Fetch>& fetch, CallResult result) {
  if (result.failed) return fetch->done(std::move(result.failed->error));
  fetch->wire_bytes += result.response.wire_bytes;
  std::string body = std::move(result.response.body);
  Result<ResultPart> part = parse_chunk(body);
  if (!part) return fetch->done(std::move(part).error());
  if (part->has_rows) {
    if (part->chunk_index != fetch->index) {
      return fetch->done(contradiction("Chunk " + std::to_string(fetch->index) +
                                       " was asked for, chunk " +
                                       std::to_string(part->chunk_index) + " came."));
    }
    return deliver(fetch,
                   {std::move(body), part->rows_begin, part->rows_size, fetch->wire_bytes, {}, {}},
                   part->facts);
  }
  std::optional<Link> own;
  for (Link& link : part->links) {
    if (link.chunk_index == fetch->index) own = std::move(link);
  }
  if (!own) {
    return fetch->done(
        contradiction("There is no link to chunk " + std::to_string(fetch->index) + "."));
  }
  follow(fetch, std::move(*own));
}

void ResultSource::follow(const std::shared_ptr<Fetch>& fetch, Link link) {
  http::Request request;
  request.url = link.url;
  request.headers = link.headers;
  request.retry = http::Retry::kIdempotent;
  request.max_body_bytes = fetch->max_bytes;
  auto done = [self = shared_from_this(), fetch,
               link = std::move(link)](Result<http::Response> response) {
    self->on_body(fetch, link, std::move(response));
  };
  api_->client().start(std::move(request), fetch->context, std::move(done));
}

// How storage says "expired" differs from cloud to cloud, so every client error means: ask for a
// new link.
void ResultSource::on_body(const std::shared_ptr<Fetch>& fetch, const Link& link,
                           Result<http::Response> response) {
  if (!response) return fetch->done(std::move(response).error());
  const int status = response->status;
  if (status == 200) {
    const std::size_t size = response->body.size();
    return deliver(
        fetch,
        {std::move(response->body), 0, size, fetch->wire_bytes + response->wire_bytes, {}, {}},
        link.facts);
  }
  if (status >= 300 && status < 400) {
    return fetch->done(Error{ErrorCode::kInvalidResponse,
                             "link to a chunk of the remote result leads elsewhere",
                             "Storage answered with HTTP status " + std::to_string(status) + ".",
                             "Results are only read from where Databricks says they are."});
  }
  ask_for_chunk(fetch);
}

// Joins what the link or answer and what the manifest say of the chunk's rows; they must agree.
void ResultSource::deliver(const std::shared_ptr<Fetch>& fetch, ChunkBody body,
                           const ChunkFacts& facts) {
  const ChunkFacts announced = fetch->index < facts_.size() ? facts_[fetch->index] : ChunkFacts{};
  if (facts.row_count && announced.row_count && *facts.row_count != *announced.row_count) {
    return fetch->done(contradiction("Chunk " + std::to_string(fetch->index) + " has " +
                                     std::to_string(*facts.row_count) + " rows by its link and " +
                                     std::to_string(*announced.row_count) + " by the manifest."));
  }
  body.row_count = facts.row_count ? facts.row_count : announced.row_count;
  body.row_offset = facts.row_offset ? facts.row_offset : announced.row_offset;
  fetch->done(std::move(body));
}

}  // namespace lakehouse::warehouse::databricks
