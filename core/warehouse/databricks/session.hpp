// SPDX-License-Identifier: PostgreSQL
// Session: the service's session that pins TIMEZONE=UTC and ANSI_MODE=true for all statements of a
// warehouse. The endpoint is not documented; where it doesn't exist, statements go without, and
// only then.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "core/warehouse/databricks/api.hpp"
#include "core/warehouse/databricks/options.hpp"

namespace lakehouse::warehouse::databricks {

class Session {
 public:
  Session(std::shared_ptr<Api> api, const Options& options);

  // The id, made at the first call; empty if the service has no sessions. One thread makes it while
  // others wait.
  Result<std::string> id(const Context& context);

  // The service doesn't know `id` any more: the next call of id() makes a new one.
  void forget(const std::string& id);

  // Tells the service, without waiting for its answer.
  void close() noexcept;

 private:
  enum class Stage : std::uint8_t { kNone, kOpening, kOpen, kUnsupported };

  Result<std::string> open(const Context& context);

  const std::shared_ptr<Api> api_;
  std::string request_body_;
  std::string warehouse_id_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Stage stage_ = Stage::kNone;
  std::string id_;
};

}  // namespace lakehouse::warehouse::databricks
