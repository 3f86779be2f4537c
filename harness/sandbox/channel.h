// SPDX-License-Identifier: MIT
// JSON messages over a byte stream, between brink and its agent in a guest. Each is its length in bytes (32
// bits, little endian) and then its text.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
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
  /// Appends the messages that are there, of 1 MiB at a time and one message more; does not wait. Fails when
  /// the other side is gone or sends nonsense, such as a message of more than 256 MiB.
  [[nodiscard]] Status Receive(std::vector<Message>& messages);

 private:
  [[nodiscard]] Status TakeMessages(std::vector<Message>& messages);

  UniqueFd fd_;
  std::mutex send_mutex_;
  std::string received_;
};

/// What a message of a guest says under `key`; `otherwise` where it says nothing, or something of another
/// type: who has taken a guest over may send anything.
template <typename T>
[[nodiscard]] T Field(const Channel::Message& message, const char* key, T otherwise) {
  const auto found = message.find(key);
  if (found == message.end()) {
    return otherwise;
  }
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->template get<T>() : otherwise;
  } else if constexpr (std::is_integral_v<T>) {
    return found->is_number_integer() ? found->template get<T>() : otherwise;
  } else {
    return found->is_number() ? found->template get<T>() : otherwise;
  }
}

[[nodiscard]] inline std::string TextField(const Channel::Message& message, const char* key) {
  return Field(message, key, std::string());
}

}  // namespace brink
