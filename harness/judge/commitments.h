// SPDX-License-Identifier: MIT
// A commit limit that lies so much above what was committed ("+600MiB") is off when others' commitments
// change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/evidence.h"

namespace brink {

/// By how much the commitments of others had changed when it mattered.
struct CommitDrift {
  std::int64_t bytes = 0;        // positive: they had grown, and less was left than asked for
  std::uint64_t room_bytes = 0;  // what was asked for
  double t_s = 0;
  /// The commit limit refused with less room than asked for, or never did with more.
  bool decides = false;
};

/// At the first call that the commit limit refused; where none was, when the case's processes had asked for
/// the most. Nothing where no value was relative, where the kernel kept to no commit limit, in a guest
/// (nobody else is there), or where the change is at most a tenth of what was asked for. A change counts as
/// others' only when two samples in a row show it during which the case's own processes and their sizes held
/// still, and when it is more than shared memory of theirs could be.
[[nodiscard]] std::optional<CommitDrift> CommitDriftOf(const Evidence& evidence);

/// "vm.overcommit_kbytes is relative, and others' commitments had grown by 120 MiB, 20% of the 600 MiB, ..."
[[nodiscard]] std::string DescribeDrift(const CommitDrift& drift);

}  // namespace brink
