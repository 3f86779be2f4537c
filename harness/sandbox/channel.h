// SPDX-License-Identifier: MIT
// JSON messages over a byte stream, between brink and its agent in a guest. Each is its length in bytes (32
// bits, little endian) and then its text.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace brink {

class Channel {
 public:
  using Message = nlohmann::ordered_json;

  /// Takes the descriptor, which becomes non-blocking.
  explicit Channel(UniqueFd fd);

  /// Readable when Receive() has something to do.
  [[nodiscard]] int Fd() const { return fd_.Get(); }
  /// Any thread may call it. Fails when the other side does not take the message within a minute, or is gone.
  [[nodiscard]] Status Send(const Message& message);
  /// Appends the messages that are there; does not wait. Fails when the other side is gone or sends nonsense,
  /// such as a message of more than 256 MiB.
  [[nodiscard]] Status Receive(std::vector<Message>& messages);

 private:
  [[nodiscard]] Status TakeMessages(std::vector<Message>& messages);

  UniqueFd fd_;
  std::mutex send_mutex_;
  std::string received_;
};

}  // namespace brink
