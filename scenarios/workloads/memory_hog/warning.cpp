// SPDX-License-Identifier: MIT
#include "memory_hog/warning.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "common/failure.h"
#include "memory_hog/own_cgroup.h"

namespace workload {
namespace {

int Open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) {
    FailErrno("open " + path);
  }
  return fd;
}

int NewEventFd() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    FailErrno("eventfd");
  }
  return fd;
}

void WriteWhole(int fd, const std::string& text, const std::string& path) {
  if (::write(fd, text.c_str(), text.size() + 1) < 0) {
    FailErrno(fmt::format("write \"{}\" to {}", text, path));
  }
}

/// Who is to act on a warning must not wait for its own code: under pressure that is dropped, and read again
/// from disk, first of all.
void LockOwnCode() {
  if (::mlockall(MCL_CURRENT) != 0) {
    FailErrno("mlockall");
  }
}

/// The count of "high N" in the text of memory.events.
std::uint64_t HighEvents(int fd) {
  std::array<char, 512> buffer{};
  const ssize_t got = ::pread(fd, buffer.data(), buffer.size() - 1, 0);
  const std::string text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  const std::string_view key = "\nhigh ";
  const auto at = text.find(key);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + key.size()));
}

}  // namespace

Listener::Descriptor::~Descriptor() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Listener::Listener(const WarnOptions& options, std::function<void()> on_warning)
    : options_(options), end_(NewEventFd()) {
  switch (options_.by) {
    case WarnBy::kNothing:
      return;
    case WarnBy::kPsi:
      OpenPsi(OwnCgroupV2() / "memory.pressure");
      break;
    case WarnBy::kMachinePsi:
      OpenPsi("/proc/pressure/memory");
      break;
    case WarnBy::kHigh:
      OpenHigh();
      break;
    case WarnBy::kPressureLevel:
      OpenPressureLevel();
      break;
  }
  LockOwnCode();
  thread_ = std::jthread([this, on_warning = std::move(on_warning)] { Listen(on_warning); });
}

Listener::~Listener() { [[maybe_unused]] const int ignored = ::eventfd_write(end_.Get(), 1); }

void Listener::OpenPsi(const std::string& path) {
  opened_.emplace_back(Open(path, O_RDWR | O_NONBLOCK));
  WriteWhole(opened_.front().Get(),
             fmt::format("some {} {}", options_.stall.count(), options_.window.count()), path);
  wanted_ = POLLPRI;
}

void Listener::OpenHigh() {
  opened_.emplace_back(Open(OwnCgroupV2() / "memory.events", O_RDONLY));
  // kernfs tells of changes since the file was last read.
  (void)HighEvents(opened_.front().Get());
  wanted_ = POLLPRI;
}

void Listener::OpenPressureLevel() {
  const auto group = OwnMemoryCgroupV1();
  opened_.emplace_back(NewEventFd());
  opened_.emplace_back(Open(group / "memory.pressure_level", O_RDONLY));
  const std::string control = group / "cgroup.event_control";
  const Descriptor registration(Open(control, O_WRONLY));
  WriteWhole(registration.Get(), fmt::format("{} {} {}", opened_[0].Get(), opened_[1].Get(), options_.level),
             control);
  wanted_ = POLLIN;
}

/// memory.events changes for other reasons too.
bool Listener::Warned() const {
  return options_.by != WarnBy::kHigh || HighEvents(opened_.front().Get()) > 0;
}

void Listener::Listen(const std::function<void()>& on_warning) {
  while (true) {
    std::array<pollfd, 2> fds{pollfd{.fd = end_.Get(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = opened_.front().Get(), .events = wanted_, .revents = 0}};
    const int ready = ::poll(fds.data(), fds.size(), -1);
    if (ready < 0 && errno != EINTR) {
      return;
    }
    if (ready > 0 && fds[0].revents != 0) {
      return;
    }
    if (ready > 0 && (fds[1].revents & wanted_) != 0 && Warned()) {
      on_warning();
      return;
    }
  }
}

}  // namespace workload
