// SPDX-License-Identifier: MIT
#include "judge/prediction.h"

#include <fmt/format.h>

#include <algorithm>

namespace brink {
namespace {

/// The last reading of each process that was alive when the kernel chose.
std::vector<const TimelineSample*> LastScores(const Evidence& evidence, double kill_s) {
  std::vector<const TimelineSample*> scores;
  for (const ProcessRecord& record : evidence.processes) {
    const TimelineSample* last = nullptr;
    for (const TimelineSample& sample : evidence.timeline) {
      const bool its = sample.pid == record.pid && sample.subject == record.name;
      if (its && sample.oom_score && sample.t_s >= record.start_s && sample.t_s <= kill_s) {
        last = &sample;
      }
    }
    if (last != nullptr && record.end_s.value_or(kill_s) >= kill_s) {
      scores.push_back(last);
    }
  }
  return scores;
}

std::string InForce(const Evidence& evidence, const std::string& sysctl) {
  std::string value;
  for (const ImposedFault& fault : evidence.faults) {
    if (fault.name == sysctl && fault.in_force) {
      value = fault.read_back;
    }
  }
  return value;
}

std::string WithScore(const std::string& name, const std::optional<int>& score) {
  return score ? fmt::format("{} (oom_score {})", name, *score) : name;
}

}  // namespace

const OomKill* FirstMachineKill(const Evidence& evidence) {
  const auto kill = std::find_if(evidence.oom_kills.begin(), evidence.oom_kills.end(),
                                 [](const OomKill& each) { return each.scope == "machine"; });
  return kill == evidence.oom_kills.end() ? nullptr : &*kill;
}

std::optional<PredictedVictim> PredictedVictimOf(const Evidence& evidence) {
  const OomKill* kill = FirstMachineKill(evidence);
  if (kill == nullptr) {
    return std::nullopt;
  }
  const auto scores = LastScores(evidence, kill->t_s);
  const auto highest = std::max_element(
      scores.begin(), scores.end(), [](const auto* a, const auto* b) { return a->oom_score < b->oom_score; });
  const auto taken =
      std::find_if(scores.begin(), scores.end(), [&](const auto* each) { return each->pid == kill->pid; });
  if (highest == scores.end() || (taken == scores.end() && !kill->process.empty())) {
    return std::nullopt;
  }
  const auto taken_score = taken == scores.end() ? std::nullopt : (*taken)->oom_score;
  return PredictedVictim{.process = (*highest)->subject,
                         .pid = (*highest)->pid,
                         .oom_score = *(*highest)->oom_score,
                         .oom_score_adj = (*highest)->oom_score_adj.value_or(0),
                         .t_s = (*highest)->t_s,
                         .killed = kill->process.empty() ? kill->comm : kill->process,
                         .killed_pid = kill->pid,
                         .killed_oom_score = taken_score,
                         .held = taken_score == (*highest)->oom_score};
}

std::string DescribePrediction(const PredictedVictim& predicted, const Evidence& evidence) {
  const bool same = predicted.pid == predicted.killed_pid;
  std::string text =
      fmt::format("predicted {}, killed {}", WithScore(predicted.process, predicted.oom_score),
                  same ? predicted.killed : WithScore(predicted.killed, predicted.killed_oom_score));
  if (predicted.held) {
    return text;
  }
  return text + (InForce(evidence, "vm.oom_kill_allocating_task") == "1"
                     ? ": vm.oom_kill_allocating_task takes the process that asked for memory"
                     : ": the prediction did not hold");
}

}  // namespace brink
