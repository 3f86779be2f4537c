// SPDX-License-Identifier: MIT
#include "cli/interrupts.h"

#include <sys/signalfd.h>

#include <csignal>

namespace brink {

UniqueFd CatchInterrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

}  // namespace brink
