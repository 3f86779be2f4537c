// SPDX-License-Identifier: MIT
#include "sandbox/monitor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace brink {
namespace {

constexpr const char* kUnnamed = "an error that QEMU does not name";

std::string WhyRefused(const Monitor::Message& error) {
  return error.is_object() ? error.value("desc", kUnnamed) : kUnnamed;
}

}  // namespace

void Monitor::Read() {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(fd_.Get(), buffer.data(), buffer.size());
  if (count <= 0) {
    fd_.Reset();
    return;
  }
  text_.append(buffer.data(), static_cast<std::size_t>(count));
  for (std::size_t end = 0; (end = text_.find('\n')) != std::string::npos;) {
    Take(Message::parse(text_.substr(0, end), nullptr, false));
    text_.erase(0, end + 1);
  }
}

void Monitor::Take(const Message& line) {
  if (!line.is_object()) {
    return;
  }
  if (const auto answer = line.find("return"); answer != line.end() && answer->is_object()) {
    saving_error_ = answer->value("error-desc", saving_error_);
  }
  // An answer has the id that its command had (QMP); those before a command could be read have none.
  if (const auto id = line.find("id"); id != line.end() && id->is_string()) {
    answers_[id->get<std::string>()] = line.contains("error") ? WhyRefused(line["error"]) : "";
  }
  const std::string event = line.value("event", "");
  const Message data = line.value("data", Message::object());
  panicked_ = panicked_ || event == "GUEST_PANICKED";
  runs_ = event == "RESUME" || (runs_ && event != "STOP");
  if (event == "SHUTDOWN") {
    const std::string reason = data.value("reason", "");
    panicked_ = panicked_ || reason == "guest-panic";
    reset_ = reset_ || reason == "guest-reset";
    powered_off_ = powered_off_ || reason == "guest-shutdown";
  } else if (event == "MIGRATION") {
    saving_ = data.value("status", "");
  } else if (event == "BLOCK_IO_ERROR" && disk_error_.empty()) {
    disk_error_ = data.value("reason", kUnnamed);
  }
}

std::optional<std::string> Monitor::Answer(const std::string& name) const {
  const auto answer = answers_.find(name);
  return answer == answers_.end() ? std::nullopt : std::optional(answer->second);
}

Status Monitor::Command(const std::string& name, const Message& arguments, int fd) {
  answers_.erase(name);
  std::string line = Message{{"execute", name}, {"arguments", arguments}, {"id", name}}.dump() + "\n";
  iovec text{.iov_base = line.data(), .iov_len = line.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  const bool sent = ::sendmsg(fd_.Get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(line.size());
  return sent ? Status{} : FailErrno("write to QEMU's monitor");
}

}  // namespace brink
