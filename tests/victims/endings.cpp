// SPDX-License-Identifier: MIT
// Modes that end, or refuse to end, in a given way.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "victim.h"

namespace victim {
namespace {

int Exit(const Arguments& arguments) {
  const long code = arguments.Number("code", kDone);
  Say("exiting with %ld", code);
  return static_cast<int>(code);
}

int Raise(const Arguments& arguments) {
  const long signal = arguments.Number("signal", SIGKILL);
  Say("raising signal %ld", signal);
  ::raise(static_cast<int>(signal));
  return kFailed;
}

int Abort(const Arguments&) {
  Say("aborting");
  std::abort();
}

int Segfault(const Arguments&) {
  Say("reading where nothing is");
  volatile const char* nowhere = Map(PageSize(), 0);
  return *nowhere;
}

int IgnoreTerm(const Arguments&) {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  Say("ignoring SIGTERM");
  SleepForever();
}

/// Prints lines until `bytes` are written; 0: without end.
int Print(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("bytes", 0);
  static char block[65536];
  for (std::size_t i = 0; i < sizeof(block); ++i) {
    block[i] = i % 64 == 63 ? '\n' : 'x';
  }
  for (std::size_t at = 0; bytes == 0 || at < bytes; at += sizeof(block)) {
    if (::write(STDOUT_FILENO, block, sizeof(block)) < 0) {
      return kFailed;
    }
  }
  Say("printed %zu bytes", bytes);
  return kDone;
}

int Hang(const Arguments& arguments) {
  Say("%s", arguments.Text("say", "hanging").c_str());
  SleepForever();
}

/// Calls itself something else in comm and in the command line, as setproctitle does; then exits or hangs.
int Rename(const Arguments& arguments) {
  const std::string title = arguments.Text("title", "innocent");
  ::prctl(PR_SET_NAME, title.c_str());
  const std::span<char> line = CommandLine();
  std::fill(line.begin(), line.end(), '\0');
  std::copy_n(title.begin(), std::min(title.size(), line.size() - 1), line.begin());
  Say("now called %s", title.c_str());
  return static_cast<int>(arguments.Number("exit", kDone));
}

/// Writes its pid to a file (or FIFO), then hangs: for `kill`, which reads it.
int PidFile(const Arguments& arguments) {
  const std::string file = arguments.Text("file", "pid");
  FILE* out = std::fopen(file.c_str(), "we");
  if (out == nullptr) {
    return Failed("open", errno, 0);
  }
  std::fprintf(out, "%d\n", ::getpid());
  std::fclose(out);
  Say("ready");
  SleepForever();
}

int Kill(const Arguments& arguments) {
  int pid = 0;
  if (FILE* in = std::fopen(arguments.Text("file", "pid").c_str(), "re"); in != nullptr) {
    if (std::fscanf(in, "%d", &pid) != 1) {
      pid = 0;
    }
    std::fclose(in);
  }
  if (pid <= 0) {
    Misused("no pid in", arguments.Text("file", "pid"));
  }
  const int signal = static_cast<int>(arguments.Number("signal", SIGKILL));
  return ::kill(pid, signal) == 0 ? Worked("kill", 1) : Failed("kill", errno, 0);
}

/// Says every signal that it gets; SIGTERM ends it with 0. The signals are blocked first, so none is missed
/// after "ready".
int Signals(const Arguments&) {
  sigset_t all;
  ::sigemptyset(&all);
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2, SIGHUP}) {
    ::sigaddset(&all, signal);
  }
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  Say("ready");
  while (true) {
    int signal = 0;
    ::sigwait(&all, &signal);
    Say("got signal %d", signal);
    if (signal == SIGTERM) {
      return kDone;
    }
  }
}

/// Accepts connections on a loopback port until SIGTERM.
int Listen(const Arguments& arguments) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(arguments.Number("port", 0)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 || ::listen(fd, 8) != 0) {
    return Failed("bind", errno, 0);
  }
  Say("listening");
  while (true) {
    const int connection = ::accept(fd, nullptr, nullptr);
    if (connection >= 0) {
      ::close(connection);
    }
  }
}

constexpr auto kEndingModes = std::to_array<Mode>({
    {"exit", "code", Exit, "exit with a code"},
    {"raise", "signal", Raise, "send itself a signal"},
    {"abort", "", Abort, "abort"},
    {"segfault", "", Segfault, "read where nothing is"},
    {"ignore-term", "", IgnoreTerm, "ignore SIGTERM and SIGINT"},
    {"print", "bytes", Print, "print lines; bytes=0: without end"},
    {"hang", "say", Hang, "say something, then sleep for ever"},
    {"rename", "title exit", Rename, "change comm and command line"},
    {"pid-file", "file", PidFile, "write the pid to a file, then sleep for ever"},
    {"kill", "file signal", Kill, "send a signal to the pid in a file"},
    {"signals", "", Signals, "say each signal; SIGTERM ends it"},
    {"listen", "port", Listen, "accept connections on a port"},
});

}  // namespace

std::span<const Mode> EndingModes() { return kEndingModes; }

}  // namespace victim
