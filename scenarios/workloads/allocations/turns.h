// SPDX-License-Identifier: MIT
// Threads that work one after the other, and all live until the last has done: what an allocator keeps for
// each then adds up, although no two ever hold much at the same time.
#pragma once

#include <atomic>
#include <cstddef>

namespace workload {

class Turns {
 public:
  /// `one_by_one` false: all at once, but still alive together until the end.
  Turns(std::size_t threads, bool one_by_one) : threads_(threads), one_by_one_(one_by_one) {}

  /// Nobody waits any longer: some threads never came to be.
  void GiveUp();

  /// Held by a thread while it works. Ends its turn whatever happens, and then waits until all have had
  /// theirs.
  class Turn {
   public:
    Turn(Turns& turns, std::size_t index);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    Turns& turns_;
  };

 private:
  void WaitUntil(std::size_t done);

  std::size_t threads_;
  bool one_by_one_;
  std::atomic<std::size_t> done_{0};
};

}  // namespace workload
