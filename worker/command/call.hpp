// SPDX-License-Identifier: PostgreSQL
// One request of a command to the running worker.
#pragma once

#include <chrono>
#include <string>

#include "core/base/result.hpp"
#include "core/wire/codec.hpp"
#include "core/wire/message.hpp"
#include "worker/io/channel.hpp"

namespace lakehouse::worker::command {

// Connects to the worker of this directory. Errors: kWorkerNotRunning, kPermissionDenied,
// kInvalidArgument.
Result<io::Descriptor> connect_to_worker(const std::string& socket_directory);

wire::Hello greeting();

Error unexpected_answer_error();

// Sends the request and returns the worker's answer; its Failure comes back as the Error it was.
template <typename Answer, typename Question>
Result<Answer> call_worker(const std::string& socket_directory, Question question) {
  const Context context{Deadline::in(std::chrono::seconds(30)), {}, {}};
  auto socket = connect_to_worker(socket_directory);
  if (!socket) return socket.error();
  io::Channel channel(*std::move(socket));
  if (Status sent = channel.send(greeting(), context); !sent) return sent.error();
  if (Status sent = channel.send(std::move(question), context); !sent) return sent.error();
  auto frame = channel.receive(wire::kMaxFrameBytes, context);
  if (!frame) return frame.error();
  if (!frame->has_value()) return unexpected_answer_error();
  if ((*frame)->type == wire::MessageType::kFailure) {
    const auto failure = wire::decode<wire::Failure>((*frame)->body);
    return failure ? wire::to_error(*failure) : failure.error();
  }
  if ((*frame)->type != Answer::kType) return unexpected_answer_error();
  return wire::decode<Answer>((*frame)->body);
}

}  // namespace lakehouse::worker::command
