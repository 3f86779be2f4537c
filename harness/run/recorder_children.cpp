// SPDX-License-Identifier: MIT
// The recorder's part that recognises children: which descendant is which of the plan's names.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "run/proc_text.h"
#include "run/recorder.h"

namespace brink {
namespace {

/// A fork takes its telling name (setproctitle, exec) within moments; after this it is looked at only with
/// each sample.
constexpr std::uint64_t kYoungNs = 1'000'000'000;

std::string FileNameOfExe(const std::string& proc, int pid) {
  std::string target(4096, '\0');
  const std::string link = proc + "/" + std::to_string(pid) + "/exe";
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  if (length <= 0) {
    return {};
  }
  target.resize(static_cast<std::size_t>(length));
  return target.substr(target.rfind('/') + 1);
}

bool Fits(const ChildRule& rule, const std::string& proc, int pid) {
  if (rule.title) {
    const std::string folder = proc + "/" + std::to_string(pid);
    if (ReadSmall(folder + "/cmdline").find(*rule.title) != std::string::npos ||
        ReadSmall(folder + "/comm").find(*rule.title) != std::string::npos) {
      return true;
    }
  }
  return rule.exe && FileNameOfExe(proc, pid) == *rule.exe;
}

}  // namespace

/// A child may come and go between two looks at /proc: then the name it died with tells.
void Recorder::NameAtExit(const ExitSeen& event) {
  const auto descendant = descendants_.find(event.pid);
  const auto token = tokens_.find(event.token);
  if (descendant == descendants_.end() || token == tokens_.end()) {
    return;
  }
  const std::vector<ChildRule>& rules = token->second.plan->children;
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const ChildRule& each) {
    return each.title && event.comm.find(*each.title) != std::string::npos;
  });
  if (rule == rules.end()) {
    token->second.has_unnamed = true;
    return;
  }
  known_too_late_.insert(&*rule);
  evidence_.processes[AddChild(token->second, rule->name, event.pid, descendant->second.born_ns)].comm =
      event.comm;
}

std::vector<Recognised> Recorder::IdentifyChildren() {
  Identify();
  return std::exchange(recognised_, {});
}

std::vector<const ChildRule*> Recorder::MissedRules(bool all_forks_seen) const {
  std::set<std::string> with_unnamed;
  for (const auto& [token, info] : tokens_) {
    const bool alive_unnamed =
        std::any_of(descendants_.begin(), descendants_.end(),
                    [id = token](const auto& descendant) { return descendant.second.token == id; });
    const bool started = info.plan != nullptr && evidence_.processes[info.record].started;
    if (started && (!all_forks_seen || info.has_unnamed || alive_unnamed)) {
      with_unnamed.insert(info.name);
    }
  }
  const auto has_child = [&](const std::string& parent, const std::string& name) {
    return std::any_of(
        evidence_.processes.begin(), evidence_.processes.end(), [&](const ProcessRecord& each) {
          return each.kind == ProcessRecord::Kind::kChild && each.parent == parent && each.name == name;
        });
  };
  std::vector<const ChildRule*> missed;
  for (const ProcessPlan& process : plan_.processes) {
    for (const ChildRule& rule : process.children) {
      const bool never_seen = with_unnamed.contains(process.name) && !has_child(process.name, rule.name);
      if (rule.oom_score_adj && (known_too_late_.contains(&rule) || never_seen)) {
        missed.push_back(&rule);
      }
    }
  }
  return missed;
}

void Recorder::Identify() {
  for (auto at = descendants_.begin(); at != descendants_.end();) {
    const auto [pid, descendant] = *at;
    const auto token = tokens_.find(descendant.token);
    const ChildRule* match = nullptr;
    if (token != tokens_.end()) {
      for (const ChildRule& rule : token->second.plan->children) {
        if (Fits(rule, roots_.proc, pid)) {
          match = &rule;
          break;
        }
      }
    }
    if (match == nullptr) {
      ++at;
      continue;
    }
    at = descendants_.erase(at);
    AddChild(token->second, match->name, pid, descendant.born_ns);
    recognised_.push_back(Recognised{.name = match->name, .pid = pid, .rule = match});
  }
}

bool Recorder::HasYoungDescendants() const {
  const std::uint64_t now = MonotonicNs();
  return std::any_of(descendants_.begin(), descendants_.end(), [&](const auto& entry) {
    const auto token = tokens_.find(entry.second.token);
    return token != tokens_.end() && !token->second.plan->children.empty() &&
           now < entry.second.born_ns + kYoungNs;
  });
}

std::vector<int> Recorder::LivingDescendants(WatchToken token) const {
  std::vector<int> pids;
  for (const auto& [pid, descendant] : descendants_) {
    if (descendant.token == token) {
      pids.push_back(pid);
    }
  }
  if (const auto info = tokens_.find(token); info != tokens_.end()) {
    for (const ProcessRecord& record : evidence_.processes) {
      const bool of_it = record.kind == ProcessRecord::Kind::kChild && record.parent == info->second.name;
      if (of_it && !record.end_s) {
        pids.push_back(record.pid);
      }
    }
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

/// What was recorded of it before it was recognised gets its name too.
void Recorder::Rename(int pid, const std::string& name) {
  for (SignalSent& sent : evidence_.signals) {
    if (sent.pid == pid) {
      sent.process = name;
    }
    if (sent.sender_pid == pid && !sent.sender.empty()) {
      sent.sender = name;
    }
  }
  for (FailedCall& call : evidence_.failed_calls) {
    if (call.pid == pid) {
      call.process = name;
    }
  }
}

std::size_t Recorder::AddChild(const TokenInfo& parent, const std::string& name, int pid,
                               std::uint64_t born_ns) {
  descendants_.erase(pid);
  TakeInWhatWasLeftOut(pid, name);
  Rename(pid, name);
  ProcessRecord record;
  record.name = name;
  record.kind = ProcessRecord::Kind::kChild;
  record.parent = parent.name;
  record.pid = pid;
  record.started = true;
  record.ready = true;
  record.start_s = Since(born_ns);
  record.comm = ReadComm(roots_.proc, pid);
  evidence_.processes.push_back(std::move(record));
  record_by_pid_[pid] = evidence_.processes.size() - 1;
  return evidence_.processes.size() - 1;
}

}  // namespace brink
