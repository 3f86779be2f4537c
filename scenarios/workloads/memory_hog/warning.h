// SPDX-License-Identifier: MIT
// How the kernel tells a program that memory is getting short, before it kills: the means of either cgroup
// version.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace workload {

/// Which means, by the words of the option --warn.
enum class WarnBy {
  kNothing,     // "none"
  kPsi,         // "psi": a trigger on memory.pressure of its own group (v2; Documentation/accounting/psi.rst)
  kMachinePsi,  // "machine-psi": the same on /proc/pressure/memory
  kHigh,        // "high": memory.events tells that memory.high was passed (v2)
  kPressureLevel  // "pressure-level": an eventfd on memory.pressure_level (v1; cgroup-v1/memory.rst, section
                  // 11)
};

struct WarnOptions {
  WarnBy by = WarnBy::kNothing;
  /// PSI: stalled for so long within a window. A window is 0.5 to 10 s; root may have any in that range.
  std::chrono::microseconds stall{20'000};
  std::chrono::microseconds window{500'000};
  std::string level = "low";  // pressure-level: low, medium or critical
};

/// A thread that sleeps until the kernel speaks, so that it also hears while the others are held up.
class Listener {
 public:
  /// `on_warning` is called once, on the listener's thread. Throws Failure where the kernel lacks the means.
  Listener(const WarnOptions& options, std::function<void()> on_warning);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

 private:
  class Descriptor {
   public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    [[nodiscard]] int Get() const { return fd_; }

   private:
    int fd_;
  };

  void OpenPsi(const std::string& path);
  void OpenHigh();
  void OpenPressureLevel();
  [[nodiscard]] bool Warned() const;
  void Listen(const std::function<void()>& on_warning);

  WarnOptions options_;
  short wanted_ = 0;                // of poll
  std::vector<Descriptor> opened_;  // the first is polled; the others must stay open
  Descriptor end_;
  std::jthread thread_;
};

}  // namespace workload
