// SPDX-License-Identifier: PostgreSQL
// The loop, and the life of a call: adopted, attempted, perhaps redirected or repeated, finished.
#include "core/http/multi_client.hpp"

#include <signal.h>

#include <algorithm>
#include <new>

#include "core/http/header_list.hpp"
#include "core/http/redirect.hpp"

namespace lakehouse::http {
namespace {

using Clock = Deadline::Clock;

constexpr int kLongestPollMs = 60'000;  // wakeups and timers end it sooner

Error out_of_memory() { return {ErrorCode::kOutOfMemory, "out of memory", "", ""}; }

std::uint64_t random_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32U | source();
}

std::optional<std::chrono::milliseconds> retry_after_of(const Response& response) {
  const auto value = response.header("retry-after");
  if (!value) return std::nullopt;
  // The server's own clock, so that a difference between the clocks does no harm.
  const auto date = response.header("date");
  const std::time_t sent = date ? curl_getdate(std::string(*date).c_str(), nullptr) : -1;
  return parse_retry_after(std::string(*value), sent >= 0 ? sent : std::time(nullptr));
}

std::string origin_of(const Url& url) { return url.host() + ":" + std::to_string(url.port()); }

Status check_request(const Request& request, const Url& url, const UrlPolicy& policy) {
  const Status has_sound_headers = check_headers(request);
  if (!has_sound_headers) return has_sound_headers;
  if (!has_body(request.method) && !request.body.empty()) {
    return Error{ErrorCode::kInvalidArgument, "only a POST or PUT request has a body", "", ""};
  }
  return policy.check(url);
}

}  // namespace

MultiClient::MultiClient(ClientOptions options, UrlPolicy policy, TrustStore trust_store)
    : options_(std::move(options)),
      policy_(std::move(policy)),
      trust_store_(std::move(trust_store)),
      share_(curl_share_init()),
      multi_(curl_multi_init()),
      settings_{options_.user_agent, trust_store_.path(), options_.connect_timeout, &policy_,
                share_.get()},
      backoff_(options_.first_backoff, options_.max_backoff, random_seed()),
      mailbox_(multi_.get()) {
  if (!share_ || !multi_) throw std::bad_alloc();
  curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  thread_ = std::thread([this]() noexcept { run(); });
}

MultiClient::~MultiClient() {
  mailbox_.close();
  thread_.join();
}

void MultiClient::start(Request request, Context context, Callback done) {
  auto url = Url::parse(request.url);
  if (!url) return done(std::move(url).error());
  const Status checked = check_request(request, *url, policy_);
  if (!checked) return done(checked.error());
  requests_.fetch_add(1, std::memory_order_relaxed);
  auto call =
      std::make_unique<Call>(next_id_.fetch_add(1, std::memory_order_relaxed), std::move(request),
                             std::move(context), std::move(done), std::move(*url));
  const auto returned = mailbox_.put(std::move(call));
  if (returned) returned->end(cancelled_error());
}

ClientStats MultiClient::stats() const {
  return {requests_.load(std::memory_order_relaxed), retries_.load(std::memory_order_relaxed),
          connections_opened_.load(std::memory_order_relaxed),
          bytes_received_.load(std::memory_order_relaxed)};
}

void MultiClient::run() noexcept {
  // Signals are for the threads of the program; a broken pipe is an error code here.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (bool is_open = true; is_open;) {
    try {
      is_open = read_mailbox();
      fire_timers();
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      reap();
      begin_waiting();
      if (is_open) curl_multi_poll(multi_.get(), nullptr, 0, poll_ms(), nullptr);
    } catch (const std::bad_alloc&) {
      finish_all(out_of_memory());
    }
  }
  finish_all(cancelled_error());
  for (const auto& call : mailbox_.empty().calls) call->end(cancelled_error());
}

// False when the client is to end.
bool MultiClient::read_mailbox() {
  auto content = mailbox_.empty();
  for (auto& call : content.calls) adopt(std::move(call));
  for (const CallId id : content.stops) {
    if (Call* const call = find(id)) finish(*call, cancelled_error());
  }
  return !content.is_closed;
}

// The stop callback only posts the id: it may run on any thread, also right here.
void MultiClient::adopt(std::unique_ptr<Call> owned) {
  Call& call = *owned;
  call.timer = timers_.emplace(call.context.deadline.at(), call.id);
  calls_.emplace(call.id, std::move(owned));
  call.on_stop.emplace(call.context.stop, [this, id = call.id] { mailbox_.put_stop(id); });
  begin_attempt(call);
}

void MultiClient::begin_attempt(Call& call) {
  if (call.context.deadline.has_passed()) return fire(call);
  ++call.attempts;
  begin_transfer(call);
}

// curl's own limit of connections is not used: 7.88 now and then forgets those that wait.
void MultiClient::begin_transfer(Call& call) {
  Lane& lane = lanes_[origin_of(call.url)];
  if (lane.running >= options_.max_connections_per_host) {
    lane.waiting.push_back(call.id);
    return set_timer(call, Clock::time_point::max());
  }
  try {
    call.transfer = std::make_unique<Transfer>(call.request, call.url, settings_);
  } catch (const std::bad_alloc&) {
    return finish(call, out_of_memory());
  }
  ++lane.running;
  call.lane = &lane;
  curl_easy_setopt(call.transfer->easy(), CURLOPT_PRIVATE, &call);
  if (curl_multi_add_handle(multi_.get(), call.transfer->easy()) != CURLM_OK) {
    return finish(call, out_of_memory());
  }
  watch(call);
}

void MultiClient::begin_waiting() {
  for (auto lane = lanes_.begin(); lane != lanes_.end();) {
    auto& [running, waiting] = lane->second;
    while (!waiting.empty() && running < options_.max_connections_per_host) {
      Call* const call = find(waiting.front());
      waiting.pop_front();
      if (call != nullptr && !call->transfer) begin_transfer(*call);
    }
    lane = running == 0 && waiting.empty() ? lanes_.erase(lane) : std::next(lane);
  }
}

void MultiClient::reap() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* call = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
    end_attempt(*reinterpret_cast<Call*>(call), message->data.result);
  }
}

void MultiClient::end_attempt(Call& call, CURLcode code) {
  Outcome outcome = call.transfer->finish(code);
  drop_transfer(call);
  conclude(call, std::move(outcome));
}

void MultiClient::conclude(Call& call, Outcome outcome) {
  if (outcome.result) {
    auto target = redirect_target(call, *outcome.result);
    if (!target) return finish(call, std::move(target).error());
    if (*target) {
      call.url = std::move(**target);
      return begin_transfer(call);
    }
    outcome.result->attempts = call.attempts;
  }
  if (!try_repeat(call, outcome)) finish(call, std::move(outcome.result));
}

// Nothing if the response is what the caller wants to see.
Result<std::optional<Url>> MultiClient::redirect_target(Call& call, const Response& response) {
  if (call.request.max_redirects <= 0) return std::optional<Url>();
  auto target = follow_redirect(response, call.url, call.request);
  if (!target || !*target) return target;
  if (++call.redirects > call.request.max_redirects) {
    return Error{ErrorCode::kInvalidResponse, "too many redirects from \"" + call.url.host() + "\"",
                 "", ""};
  }
  const Status allowed = policy_.check(**target);
  if (!allowed) return allowed.error();
  return target;
}

// True if the call waits for its next attempt. It does not if that would begin after the deadline:
// then the caller had better hear of this outcome now.
bool MultiClient::try_repeat(Call& call, const Outcome& outcome) {
  const bool may_go_on =
      may_repeat(call.request.retry, outcome.repeat) && call.attempts < options_.max_attempts;
  if (!may_go_on) return false;
  const auto asked = outcome.result ? retry_after_of(*outcome.result) : std::nullopt;
  const auto wait = backoff_.pick(call.attempts, asked);
  if (!call.context.deadline.is_never() &&
      call.context.deadline.left(wait + std::chrono::milliseconds(1)) <= wait) {
    return false;
  }
  retries_.fetch_add(1, std::memory_order_relaxed);
  set_timer(call, Clock::now() + wait);
  return true;
}

void MultiClient::fire_timers() {
  const auto now = Clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Call* const call = find(timers_.begin()->second);
    if (call == nullptr) {
      timers_.erase(timers_.begin());  // left behind by an adoption that ran out of memory
      continue;
    }
    fire(*call);
  }
}

// A call's timer means: deadline, silence or the next attempt. It may also come early, because
// bytes that arrive do not move it; then it is set anew.
void MultiClient::fire(Call& call) {
  const std::string& host = call.url.host();
  if (call.context.deadline.has_passed()) {
    return finish(
        call, Error{ErrorCode::kTimeout, "request to \"" + host + "\" did not finish in time", "",
                    "Try again later."});
  }
  if (!call.transfer) return begin_attempt(call);
  const bool is_silent = call.transfer->progress() == Progress::kSent &&
                         Clock::now() - call.transfer->last_byte_at() >= options_.idle_timeout;
  if (!is_silent) return watch(call);
  drop_transfer(call);
  const std::string span = std::to_string(options_.idle_timeout.count());
  conclude(call, {Error{ErrorCode::kTimeout, "\"" + host + "\" fell silent",
                        "No byte was exchanged for " + span + " ms.",
                        "Try again later; if it happens again, check the network."},
                  Repeat::kRisky});
}

// Sets the timer of a call with a transfer. An attempt that is not sent yet can't become silent
// before idle_timeout from now.
void MultiClient::watch(Call& call) {
  const bool is_sent = call.transfer->progress() == Progress::kSent;
  const auto since = is_sent ? call.transfer->last_byte_at() : Clock::now();
  set_timer(call, since + options_.idle_timeout);
}

void MultiClient::set_timer(Call& call, Clock::time_point at) {
  timers_.erase(call.timer);
  call.timer = timers_.emplace(std::min(at, call.context.deadline.at()), call.id);
}

void MultiClient::drop_transfer(Call& call) {
  if (!call.transfer) return;
  --call.lane->running;
  curl_multi_remove_handle(multi_.get(), call.transfer->easy());
  bytes_received_.fetch_add(call.transfer->wire_bytes(), std::memory_order_relaxed);
  connections_opened_.fetch_add(call.transfer->connections_opened(), std::memory_order_relaxed);
  call.transfer.reset();
}

void MultiClient::finish(Call& call, Result<Response> result) {
  drop_transfer(call);
  timers_.erase(call.timer);
  const auto owned = std::move(calls_.extract(call.id).mapped());
  owned->end(std::move(result));
}

void MultiClient::finish_all(const Error& error) {
  while (!calls_.empty()) finish(*calls_.begin()->second, error);
}

Call* MultiClient::find(CallId id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

int MultiClient::poll_ms() const {
  if (timers_.empty()) return kLongestPollMs;
  const auto span = std::chrono::ceil<std::chrono::milliseconds>(
      std::min(timers_.begin()->first, Clock::now() + std::chrono::milliseconds(kLongestPollMs)) -
      Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, span.count()));
}

}  // namespace lakehouse::http
