// SPDX-License-Identifier: PostgreSQL
// ResultSource: the chunks of a finished statement, INLINE or behind presigned links. A link that
// has expired or is refused is asked for again, by the chunk's index; its storage gets the headers
// it wants and never our token.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/warehouse/chunk_source.hpp"
#include "core/warehouse/databricks/launch.hpp"

namespace lakehouse::warehouse::databricks {

class ResultSource final : public ChunkSource, public std::enable_shared_from_this<ResultSource> {
 public:
  // `finished` is the answer that said SUCCEEDED; kInvalidResponse if its description can't be
  // followed.
  static Result<std::shared_ptr<ResultSource>> create(std::shared_ptr<Api> api, Launched finished);

  std::size_t chunk_count() const override { return chunk_count_; }
  std::uint64_t expected_bytes(std::size_t index) const override;
  void fetch(std::size_t index, std::size_t max_bytes, Context context, Callback done) override;

 private:
  struct Fetch;

  ResultSource(std::shared_ptr<Api> api, Launched finished, std::size_t chunk_count);

  void ask_for_chunk(const std::shared_ptr<Fetch>& fetch);
  void on_chunk(const std::shared_ptr<Fetch>& fetch, CallResult result);
  void follow(const std::shared_ptr<Fetch>& fetch, Link link);
  void on_body(const std::shared_ptr<Fetch>& fetch, const Link& link,
               Result<http::Response> response);
  void deliver(const std::shared_ptr<Fetch>& fetch, ChunkBody body, const ChunkFacts& facts);
  void remember(std::vector<Link> links);
  std::optional<Link> take_link(std::size_t index);

  const std::shared_ptr<Api> api_;
  const std::string id_;
  const std::size_t chunk_count_;
  std::vector<ChunkFacts> facts_;  // as the manifest has them
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Link> links_;  // not used yet
  std::optional<ChunkBody> first_rows_;  // INLINE rows of the answer itself
  std::map<std::uint64_t, std::uint64_t> link_bytes_;
};

}  // namespace lakehouse::warehouse::databricks
