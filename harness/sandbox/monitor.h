// SPDX-License-Identifier: MIT
// QEMU's monitor (QMP, one JSON object a line; QEMU's docs/interop/qmp-spec): what it tells of a machine, and
// commands to it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace brink {

class Monitor {
 public:
  using Message = nlohmann::ordered_json;

  explicit Monitor(UniqueFd fd) : fd_(std::move(fd)) {}

  /// Readable when Read() has something to do; -1 once QEMU has closed it.
  [[nodiscard]] int Fd() const { return fd_.Get(); }
  void Read();
  /// The answer is not waited for; Answer() has it once Read() has seen it, and what comes of a command later
  /// is told by events. The first one must be qmp_capabilities. `fd` goes with the command, if not -1.
  [[nodiscard]] Status Command(const std::string& name, const Message& arguments = Message::object(),
                               int fd = -1);

  /// QEMU's answer to the last command of that name: nothing before it has come; empty: the command was
  /// taken; else why it was refused.
  [[nodiscard]] std::optional<std::string> Answer(const std::string& name) const;

  [[nodiscard]] bool Panicked() const { return panicked_; }
  [[nodiscard]] bool WasReset() const { return reset_; }
  /// From within the guest.
  [[nodiscard]] bool PoweredOff() const { return powered_off_; }
  /// Why a guest's disk could not be read or written on the host ("No space left on device"): the first time
  /// only; empty when that never happened. QEMU tells it before the guest hears of it.
  [[nodiscard]] const std::string& DiskError() const { return disk_error_; }
  /// QEMU's word for how saving the machine goes: "active", "completed", "failed", "cancelled"; empty before
  /// it began.
  [[nodiscard]] const std::string& Saving() const { return saving_; }
  /// Why saving failed, when the command query-migrate has been answered; empty before.
  [[nodiscard]] const std::string& SavingError() const { return saving_error_; }
  /// False while the machine's processors are halted, as they are once it has been saved.
  [[nodiscard]] bool Runs() const { return runs_; }

 private:
  void Take(const Message& line);

  UniqueFd fd_;
  std::string text_;
  std::map<std::string, std::string> answers_;  // by the command's name
  bool panicked_ = false;
  bool reset_ = false;
  bool powered_off_ = false;
  std::string disk_error_;
  std::string saving_;
  std::string saving_error_;
  bool runs_ = true;
};

}  // namespace brink
