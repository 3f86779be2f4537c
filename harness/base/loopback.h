// SPDX-License-Identifier: MIT
// The only addresses brink itself asks for: of this machine's loopback interface.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdint>

namespace brink {

/// 127.0.0.1:`port`, for bind(2) and connect(2).
[[nodiscard]] inline sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace brink
