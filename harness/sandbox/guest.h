// SPDX-License-Identifier: MIT
// A guest: a disposable machine with a kernel of its own, in which the same brink program runs cases as an
// agent (run/guest_agent.h). Cases run in it one after another.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

class SavedMachine;
struct BootFiles;
struct QemuOptions;

struct GuestOptions {
  GuestSpec spec;
  std::string kernel_image;
  std::string initrd;
  std::shared_ptr<const BootFiles> files;  // those two (kernels.h)
  std::string accelerator;                 // "kvm" or "tcg"
  /// The folder that guest and host share; every plan's run_dir is it or below it. It must exist.
  std::string shared_dir;
  std::string console_file;  // what the guest prints on its console is kept here
  int cancel_fd = -1;        // readable: give up
  bool shell = false;        // it is for RunShell(), and runs no plans
};

class Guest {
 public:
  /// Boots it, or goes on from a saved machine like it, and waits until its agent answers. The guest is
  /// killed when the calling thread ends: call Start(), Run() and the destructor on one thread.
  [[nodiscard]] static Result<std::unique_ptr<Guest>> Start(const GuestOptions& options);
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest();

  /// Runs a plan in it and brings its evidence home. Never fails: a guest that was lost is Evidence::guest,
  /// and a plan that cannot be run in it gets its reason, in not_runnable.
  [[nodiscard]] Evidence Run(Plan& plan, const std::function<void(const std::string&)>& progress);
  /// Runs a shell in it that reads `input` to its end, and whose output and errors go to these descriptors.
  /// Gives its exit status. The error: the guest was lost (its console tells more), `input` cannot be read or
  /// an output not be written, or the user gave up.
  [[nodiscard]] Result<int> RunShell(int input, int output, int errors);
  /// False after it was lost, and after a case that left something behind.
  [[nodiscard]] bool Usable() const;
  [[nodiscard]] const GuestOptions& Options() const;
  /// QEMU's.
  [[nodiscard]] pid_t Pid() const;

 private:
  explicit Guest(const GuestOptions& options);
  [[nodiscard]] static Result<std::unique_ptr<Guest>> GoOn(const GuestOptions& options,
                                                           const QemuOptions& machine, const UniqueFd& saved);
  [[nodiscard]] static Result<std::unique_ptr<Guest>> BootNew(const GuestOptions& options,
                                                              const QemuOptions& machine,
                                                              const SavedMachine& place, bool replace);
  [[nodiscard]] Status StartQemu(const QemuOptions& machine, const UniqueFd& saved);
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether this machine is itself a guest of brink's, as in a guest's shell. Its kernel's command line tells,
/// which nothing on a machine can change.
[[nodiscard]] bool IsGuest(const Roots& roots);

/// Becomes a guest with a shell on this terminal; of the options, console_file, cancel_fd and shell are not
/// used. Returns only when that fails.
[[nodiscard]] Error BecomeGuestShell(const GuestOptions& options);

/// How long a fixed piece of work of system calls, page faults and arithmetic takes here, in seconds: the
/// best of a few runs. Guest over host is by what timeouts are stretched.
[[nodiscard]] double MeasureWork();

/// The plan with its timeouts multiplied.
[[nodiscard]] Plan WithScaledTimeouts(Plan plan, double scale);

}  // namespace brink
