// SPDX-License-Identifier: MIT
#include "run/agent_shell.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/unique_fd.h"
#include "sandbox/shell_talk.h"

namespace brink {
namespace {

using Message = Channel::Message;

constexpr int kSignalStatus = 128;  // what a shell adds to a signal's number
constexpr int kNotStarted = 127;    // its status for a command that is not there

/// How often it is looked whether the shell has ended, where nothing tells of it.
constexpr int kLookAgainMs = 100;

constexpr int kOutput = 0;  // places in streams_
constexpr int kErrors = 1;
/// What a pipe holds (pipe(7)): of what is written when the shell has ended, this much can be the shell's.
constexpr std::size_t kMostLeft = 65536;

void SetOomScoreAdj(std::string_view value) {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  static_cast<void>(::write(file, value.data(), value.size()) < 0);
  ::close(file);
}

/// The shell's streams are those of this process; nothing of how brink treats signals is for it. Returns only
/// when there is none.
void ExecShell(const char* option) {
  std::signal(SIGPIPE, SIG_DFL);
  ::execl("/bin/bash", "bash", "--norc", option, nullptr);
  ::execl("/bin/sh", "sh", option, nullptr);
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
      read.Reset(ends[0]);
      write.Reset(ends[1]);
    }
  }
  UniqueFd read;
  UniqueFd write;
};

void SetNonBlocking(const UniqueFd& fd) { ::fcntl(fd.Get(), F_SETFL, O_NONBLOCK); }

class ShellServer {
 public:
  ShellServer(Channel& channel, std::vector<Message> waiting)
      : channel_(channel), messages_(std::move(waiting)) {}

  int Serve() {
    if (!Start()) {
      return 1;
    }
    for (;;) {
      for (const Message& message : std::exchange(messages_, {})) {
        Take(message);
      }
      const bool over = HasEnded();  // before the last look at what it wrote
      WriteInput();
      if (output_taken_ && !SendOutput(over) && over) {
        return channel_.Send({{"type", "ended"}, {"status", status_}}) ? 0 : 1;
      }
      if (!Await(over)) {
        return 1;  // brink is gone, and the guest goes too
      }
    }
  }

 private:
  bool Start() {
    Pipe input;
    Pipe output;
    Pipe errors;
    SetOomScoreAdj("-1000");  // what is tried in there may use up the machine
    shell_ = errors.write.Valid() ? ::fork() : -1;
    if (shell_ == 0) {  // of a process with threads: only async-signal-safe calls
      ::setsid();
      ::dup2(input.read.Get(), STDIN_FILENO);
      ::dup2(output.write.Get(), STDOUT_FILENO);
      ::dup2(errors.write.Get(), STDERR_FILENO);
      SetOomScoreAdj("0");
      ExecShell(nullptr);  // reads its commands from standard input
      ::_exit(kNotStarted);
    }
    if (shell_ < 0) {
      spdlog::error("start a shell: {}", std::generic_category().message(errno));
      return false;
    }
    pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, shell_, 0)));
    input_ = std::move(input.write);
    streams_ = {std::move(output.read), std::move(errors.read)};
    for (const UniqueFd* fd : {&input_, &streams_[0], &streams_[1]}) {
      SetNonBlocking(*fd);
    }
    return true;
  }

  void Take(const Message& message) {
    const std::string type = message.value("type", "");
    if (type == "input") {
      pending_ = BytesOfText(message.value("bytes", "")).value_or("");
    } else if (type == "end") {
      input_.Reset();
    } else if (type == "taken") {
      output_taken_ = true;
    } else if (type == "closed") {
      // Who writes on gets SIGPIPE, as where brink's own output goes.
      streams_.at(message.value("stream", 1) == 1 ? kOutput : kErrors).Reset();
      output_taken_ = true;
    }
  }

  /// What the shell does not read any more is dropped.
  void WriteInput() {
    if (pending_.empty()) {
      return;
    }
    const ssize_t count = input_.Valid() ? ::write(input_.Get(), pending_.data(), pending_.size()) : -1;
    if (count < 0 && input_.Valid() && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (count < 0) {
      input_.Reset();
    }
    pending_.erase(0, count < 0 ? std::string::npos : static_cast<std::size_t>(count));
    if (pending_.empty()) {
      static_cast<void>(channel_.Send({{"type", "taken"}}));  // Await() finds out when brink is gone
    }
  }

  /// False when there was nothing to send; what the shell left running may go on writing. The streams take
  /// turns, so that one that is always full does not keep the other from being told.
  bool SendOutput(bool over) {
    for (std::size_t look = 0; look < streams_.size(); ++look) {
      const std::size_t at = (last_sent_ + 1 + look) % streams_.size();
      std::array<char, kShellTalkBytes> buffer{};
      const ssize_t count =
          streams_[at].Valid() ? ::read(streams_[at].Get(), buffer.data(), buffer.size()) : 0;
      if (count > 0 && over && (left_.at(at) += static_cast<std::size_t>(count)) > kMostLeft) {
        continue;
      }
      if (count > 0) {
        last_sent_ = at;
        output_taken_ = false;
        static_cast<void>(
            channel_.Send({{"type", "output"},
                           {"stream", at + 1},
                           {"bytes", TextOfBytes({buffer.data(), static_cast<std::size_t>(count)})}}));
        return true;
      }
      if (count == 0) {
        streams_[at].Reset();
      }
    }
    return false;
  }

  bool HasEnded() {
    int status = 0;
    if (!ended_ && ::waitpid(shell_, &status, WNOHANG) == shell_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : kSignalStatus + WTERMSIG(status);
      ended_ = true;
    }
    return ended_;
  }

  /// Until there is something to do; false when the host has hung up.
  bool Await(bool over) {
    const auto stream = [&](std::size_t at) { return output_taken_ ? streams_[at].Get() : -1; };
    std::array<pollfd, 5> fds{{{.fd = channel_.Fd(), .events = POLLIN, .revents = 0},
                               {.fd = over ? -1 : pidfd_.Get(), .events = POLLIN, .revents = 0},
                               {.fd = pending_.empty() ? -1 : input_.Get(), .events = POLLOUT, .revents = 0},
                               {.fd = stream(0), .events = POLLIN, .revents = 0},
                               {.fd = stream(1), .events = POLLIN, .revents = 0}}};
    const int wait_ms = over || pidfd_.Valid() ? -1 : kLookAgainMs;
    if (::poll(fds.data(), fds.size(), wait_ms) < 0 && errno != EINTR) {
      return false;
    }
    return fds[0].revents == 0 || channel_.Receive(messages_).has_value() || !messages_.empty();
  }

  Channel& channel_;
  std::vector<Message> messages_;
  pid_t shell_ = -1;
  UniqueFd pidfd_;  // invalid where the kernel has none (before Linux 5.3)
  bool ended_ = false;
  int status_ = 0;  // once it has ended
  UniqueFd input_;
  std::string pending_;                // for the shell to read
  std::array<UniqueFd, 2> streams_;    // what it writes: output, errors
  bool output_taken_ = true;           // brink is ready for more
  std::size_t last_sent_ = kErrors;    // the stream that was sent last
  std::array<std::size_t, 2> left_{};  // bytes of each stream that were taken once the shell had ended
};

}  // namespace

void PrepareForShell() {
  if (const char* place = std::getenv("BRINK_RUN"); place == nullptr || ::chdir(place) != 0) {
    spdlog::warn("the run folder is not there");
  }
  ::setenv("HOME", "/root", 1);
  ::setenv("PS1", "guest:\\w# ", 1);
}

int BecomeShell(const std::string& size) {
  ::setsid();
  const UniqueFd console(::open("/dev/ttyS0", O_RDWR));  // becomes the controlling terminal
  winsize window = {};
  if (std::sscanf(size.c_str(), "%hux%hu", &window.ws_row, &window.ws_col) == 2) {
    ::ioctl(console.Get(), TIOCSWINSZ, &window);
  }
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(console.Get(), fd);
  }
  PrepareForShell();
  ExecShell("-i");
  spdlog::error("start /bin/sh: {}", std::generic_category().message(errno));
  return kNotStarted;
}

int ServeShell(Channel& channel, std::vector<Channel::Message> waiting) {
  return ShellServer(channel, std::move(waiting)).Serve();
}

}  // namespace brink
