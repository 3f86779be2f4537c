// SPDX-License-Identifier: MIT
#include "judge/death.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "judge/words.h"

namespace brink {
namespace {

/// include/uapi/asm-generic/siginfo.h: what the kernel itself sends (the OOM killer too: kernel/signal.c
/// SEND_SIG_PRIV).
constexpr int kSiKernel = 0x80;
/// Two clocks' reading of one instant may differ by this.
constexpr double kSameInstant = 0.05;

bool Within(const ProcessRecord& record, double t_s) {
  return t_s >= record.start_s - kSameInstant && t_s <= record.end_s.value_or(t_s) + kSameInstant;
}

/// The kernel's account of killing this process. Pids are used again, so the time must fit too.
const OomKill* OomKillOf(const Evidence& evidence, const ProcessRecord& record) {
  const auto found =
      std::find_if(evidence.oom_kills.begin(), evidence.oom_kills.end(),
                   [&](const OomKill& kill) { return kill.pid == record.pid && Within(record, kill.t_s); });
  return found == evidence.oom_kills.end() ? nullptr : &*found;
}

/// The sending that ended it. SIGKILL cannot be ignored: the first one ends the process, and later ones hit
/// the dying. Of every other signal the last counts, as earlier ones may have been handled or blocked. Not so
/// one that it sent itself after it was sent it: to catch a signal, tidy up and raise it again is how a
/// program dies of it in order (glibc manual, "Termination in Handler"; etcd does).
const SignalSent* FatalSignal(const Evidence& evidence, const ProcessRecord& record) {
  const SignalSent* fatal = nullptr;
  for (const SignalSent& sent : evidence.signals) {
    if (sent.pid != record.pid || sent.signal != record.signal || !Within(record, sent.t_s)) {
      continue;
    }
    const bool first_wins = sent.signal == SIGKILL || sent.sender_pid == record.pid;
    if (fatal == nullptr || (first_wins ? sent.t_s < fatal->t_s : sent.t_s >= fatal->t_s)) {
      fatal = &sent;
    }
  }
  return fatal;
}

/// Signals that a program's own instruction raises.
bool IsFaultSignal(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE || signal == SIGTRAP ||
         signal == SIGSYS;
}

bool IsStep(const Evidence& evidence, const std::string& name) {
  const auto named = [&](const ProcessRecord& record) { return record.name == name; };
  const auto found = std::find_if(evidence.processes.begin(), evidence.processes.end(), named);
  return found != evidence.processes.end() && found->kind == ProcessRecord::Kind::kStep;
}

std::string SenderOf(const Evidence& evidence, const ProcessRecord& record, const SignalSent& sent) {
  if (sent.sender == "brink") {
    return "brink";
  }
  if (sent.sender_pid == record.pid || (sent.code != kSiKernel && sent.code > 0) ||
      (sent.code == kSiKernel && IsFaultSignal(sent.signal))) {
    return "self";
  }
  if (sent.code == kSiKernel) {
    return "kernel";
  }
  if (!sent.sender.empty()) {
    return (IsStep(evidence, sent.sender) ? "step " : "process ") + sent.sender;
  }
  return sent.sender_pid == 0 ? std::string() : fmt::format("pid {} ({})", sent.sender_pid, sent.sender_comm);
}

/// How many of the group's processes died by SIGKILL that nobody is known to have sent.
std::uint64_t UnexplainedKills(const Plan& plan, const Evidence& evidence, const GroupRecord& group) {
  const auto unexplained = [&](const ProcessRecord& record) {
    const SignalSent* sent = FatalSignal(evidence, record);
    return record.signal == SIGKILL && !record.stopped_by_brink &&
           GroupOf(plan, evidence, record) == &group && (sent == nullptr || sent->code == kSiKernel) &&
           OomKillOf(evidence, record) == nullptr;
  };
  return static_cast<std::uint64_t>(
      std::count_if(evidence.processes.begin(), evidence.processes.end(), unexplained));
}

/// OOM kills that the group counted and the kernel gave no account of.
std::uint64_t UntoldKills(const Plan& plan, const Evidence& evidence, const GroupRecord& group) {
  const auto has_account = [&](const ProcessRecord& record) {
    return GroupOf(plan, evidence, record) == &group && OomKillOf(evidence, record) != nullptr;
  };
  const auto told = static_cast<std::uint64_t>(
      std::count_if(evidence.processes.begin(), evidence.processes.end(), has_account));
  // Those left out of the evidence were told too, and were of nobody that the plan names.
  const std::uint64_t accounted = told + evidence.left_out.oom_kills;
  return group.oom_kills > accounted ? group.oom_kills - accounted : 0;
}

/// A step of the plan sent it this signal: then nobody else need be looked for.
bool SignalledByStep(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  return std::any_of(evidence.steps.begin(), evidence.steps.end(), [&](const StepRecord& step) {
    const auto index = static_cast<std::size_t>(step.index);
    const bool done = !step.skipped && step.error.empty() && index < plan.steps.size();
    const auto* signal = done ? std::get_if<SignalStep>(&plan.steps[index].action) : nullptr;
    return signal != nullptr && signal->process == record.name && signal->signal == record.signal &&
           Within(record, step.start_s);
  });
}

/// SIGKILL without a word from the kernel: the group's counter of OOM kills (memory.events oom_kill,
/// memory.oom_control), which counts kills of the machine's OOM killer too, may decide.
Death KilledSilently(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  Death death{.kind = Death::Kind::kUnknown, .killed_by = "", .oom = nullptr, .note = ""};
  const GroupRecord* group =
      evidence.grade == EvidenceGrade::kNone ? nullptr : GroupOf(plan, evidence, record);
  if (group == nullptr) {
    death.note = "nothing tells who sent SIGKILL: no kernel evidence and no counter of its group";
    return death;
  }
  const std::uint64_t kills = UntoldKills(plan, evidence, *group);
  const std::uint64_t unexplained = UnexplainedKills(plan, evidence, *group);
  if (kills > 0 && kills >= unexplained) {
    death.kind = Death::Kind::kOomKilled;
    death.killed_by = "oom:memcg";
    death.note =
        fmt::format("its group's counter of OOM kills stands at {}; the kernel's own account is missing",
                    group->oom_kills);
    return death;
  }
  if (kills > 0) {
    death.note = fmt::format(
        "its group's counter of OOM kills rose by {}, but {} of its processes died by SIGKILL: which is "
        "unknown",
        kills, unexplained);
    return death;
  }
  if (evidence.events_lost > 0) {
    death.note = "the account of who sent SIGKILL may be among the lost events";
    return death;
  }
  death.kind = Death::Kind::kSignalled;
  death.note = "its group counted no OOM kill; who sent SIGKILL is unknown";
  return death;
}

Death SignalDeath(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                  const SignalSent* sent) {
  Death death{.kind = Death::Kind::kSignalled, .killed_by = "", .oom = nullptr, .note = ""};
  if (sent != nullptr && sent->signal == SIGKILL && sent->code == kSiKernel) {
    const GroupRecord* group = GroupOf(plan, evidence, record);
    if (group != nullptr && UntoldKills(plan, evidence, *group) > 0) {
      return KilledSilently(plan, evidence, record);
    }
    // The OOM killer marks its victims (oom:mark_victim); kernel/time/posix-cpu-timers.c, for one, does not.
    death.note = "not by the OOM killer; RLIMIT_CPU, for one, ends a process so";
  }
  if (sent != nullptr) {
    death.killed_by = SenderOf(evidence, record, *sent);
  } else if (record.stopped_by_brink || SignalledByStep(plan, evidence, record)) {
    death.killed_by = "brink";
  } else if (*record.signal == SIGKILL) {
    return KilledSilently(plan, evidence, record);
  }
  return death;
}

}  // namespace

const ProcessPlan* PlanOf(const Plan& plan, const ProcessRecord& record) {
  const std::string& name = record.kind == ProcessRecord::Kind::kChild ? record.parent : record.name;
  const auto found = std::find_if(plan.processes.begin(), plan.processes.end(),
                                  [&](const ProcessPlan& process) { return process.name == name; });
  return found == plan.processes.end() || record.kind == ProcessRecord::Kind::kStep ? nullptr : &*found;
}

const OomKill* KilledDescendantOf(const Evidence& evidence, const ProcessRecord& record) {
  const auto is_child = [&](const std::string& name) {
    return std::any_of(evidence.processes.begin(), evidence.processes.end(), [&](const ProcessRecord& each) {
      return each.kind == ProcessRecord::Kind::kChild && each.name == name && each.parent == record.name;
    });
  };
  const auto found =
      std::find_if(evidence.oom_kills.rbegin(), evidence.oom_kills.rend(), [&](const OomKill& kill) {
        const bool ours = kill.process == record.name || (!kill.process.empty() && is_child(kill.process));
        return ours && kill.pid != record.pid && Within(record, kill.t_s);
      });
  return found == evidence.oom_kills.rend() ? nullptr : &*found;
}

const GroupRecord* GroupOf(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const ProcessPlan* process = PlanOf(plan, record);
  if (process == nullptr) {
    return nullptr;
  }
  const auto found = std::find_if(evidence.groups.begin(), evidence.groups.end(),
                                  [&](const GroupRecord& group) { return group.name == process->group; });
  return found == evidence.groups.end() ? nullptr : &*found;
}

namespace {

/// The last signal of this number that a process which it started was sent, but by brink.
const SignalSent* SentToDescendant(const Evidence& evidence, const ProcessRecord& record, int signal) {
  const auto found =
      std::find_if(evidence.signals.rbegin(), evidence.signals.rend(), [&](const SignalSent& sent) {
        return sent.process == record.name && sent.pid != record.pid && sent.signal == signal &&
               sent.sender != "brink" && Within(record, sent.t_s);
      });
  return found == evidence.signals.rend() ? nullptr : &*found;
}

/// The kernel's signals name whoever ran at that moment: no sender.
std::string BySender(const Evidence& evidence, const ProcessRecord& record, const SignalSent& sent) {
  if (sent.code > 0) {
    return IsFaultSignal(sent.signal) ? " for a fault of its own" : " by the kernel";
  }
  const std::string by = SenderOf(evidence, record, sent);
  return by.empty() ? "" : " by " + (by == "self" || sent.sender == record.name ? "one of its own" : by);
}

/// How a program came by its exit status: a shell ends with 128 and the number of the signal that ended the
/// last program that it ran.
std::string NoteOfExit(const Evidence& evidence, const ProcessRecord& record, int status) {
  const OomKill* kill = status == 128 + SIGKILL ? KilledDescendantOf(evidence, record) : nullptr;
  if (kill != nullptr) {
    return fmt::format("pid {} ({}), which it started, was killed by the OOM killer at {:.2f} s", kill->pid,
                       kill->comm, kill->t_s);
  }
  if (const SignalSent* sent = SentToDescendant(evidence, record, status - 128)) {
    return fmt::format("pid {}, which it started, was sent {}{} at {:.2f} s", sent->pid,
                       SignalName(sent->signal), BySender(evidence, record, *sent), sent->t_s);
  }
  return status == 128 + SIGKILL || status == SIGKILL ? "it called exit itself; no signal ended it" : "";
}

}  // namespace

Death DeathOf(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const OomKill* oom = OomKillOf(evidence, record);
  const SignalSent* sent = record.signal ? FatalSignal(evidence, record) : nullptr;
  // A victim that somebody had killed before is marked too, as it is about to give its memory back
  // (mm/oom_kill.c task_will_free_mem()).
  const bool killed_before =
      oom != nullptr && sent != nullptr && sent->code != kSiKernel && sent->t_s < oom->t_s;
  if (oom != nullptr && !record.exit_code && record.signal.value_or(SIGKILL) == SIGKILL && !killed_before) {
    const std::string scope = oom->scope.empty() ? "" : ":" + oom->scope;
    return {.kind = Death::Kind::kOomKilled, .killed_by = "oom" + scope, .oom = oom, .note = ""};
  }
  if (record.exit_code) {
    return {.kind = Death::Kind::kExited,
            .killed_by = "",
            .oom = nullptr,
            .note = NoteOfExit(evidence, record, *record.exit_code)};
  }
  if (record.signal) {
    return SignalDeath(plan, evidence, record, sent);
  }
  if (record.end_s) {
    return {
        .kind = Death::Kind::kUnknown, .killed_by = "", .oom = nullptr, .note = "how it ended was not seen"};
  }
  return {};
}

}  // namespace brink
