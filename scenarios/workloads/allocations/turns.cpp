// SPDX-License-Identifier: MIT
#include "allocations/turns.h"

namespace workload {

Turns::Turn::Turn(Turns& turns, std::size_t index) : turns_(turns) {
  if (turns_.one_by_one_) {
    turns_.WaitUntil(index);
  }
}

Turns::Turn::~Turn() {
  ++turns_.done_;
  turns_.done_.notify_all();
  turns_.WaitUntil(turns_.threads_);
}

void Turns::GiveUp() {
  done_ += threads_;
  done_.notify_all();
}

void Turns::WaitUntil(std::size_t done) {
  for (std::size_t now = done_.load(); now < done; now = done_.load()) {
    done_.wait(now);
  }
}

}  // namespace workload
