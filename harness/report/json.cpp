// SPDX-License-Identifier: MIT
// The result document. Its fields are a contract: report/verdict.schema.json.
#include "model/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/json_values.h"
#include "report/report.h"
#include "report/text.h"

namespace brink {
namespace {

using Json = nlohmann::ordered_json;

Json LimitOrNull(std::uint64_t limit) { return limit == kNoLimit ? Json(nullptr) : Json(limit); }

Json ToJson(const std::optional<BindingLimit>& limit) {
  if (!limit) {
    return nullptr;
  }
  return {{"name", limit->name},
          {"limit", LimitOrNull(limit->limit)},
          {"use", OrNull(limit->use)},
          {"unit", limit->unit},
          {"detail", limit->detail}};
}

Json ToJson(const std::optional<FirstFailure>& failure) {
  if (!failure) {
    return nullptr;
  }
  Json args = Json::array();
  Json names = Json::array();
  for (const CallArgument& arg : failure->args) {
    args.push_back(fmt::format("{:#x}", arg.value));
    names.push_back(arg.name);
  }
  return {{"process", failure->process}, {"pid", failure->pid},
          {"call", failure->call},       {"errno", failure->errno_name},
          {"args", std::move(args)},     {"arg_names", std::move(names)},
          {"stack", failure->stack},     {"map_count", failure->map_count},
          {"t_s", failure->t_s}};
}

Json ToJson(const std::optional<Stall>& stall) {
  return stall ? Json{{"stalled_s", OrNull(stall->stalled_s)},
                      {"under_oom_s", stall->under_oom_s},
                      {"of_s", stall->of_s},
                      {"refaulted_bytes", stall->refaulted_bytes},
                      {"throttled", stall->throttled},
                      {"limit_hits", stall->limit_hits}}
               : Json();
}

/// Who survives and is held up for long has not come through well.
std::string_view OutcomeWord(Outcome outcome, bool stalled) {
  return outcome == Outcome::kSurvived && stalled ? "stalled" : Name(outcome);
}

Json ToJson(const ProcessVerdict& process) {
  Json left = Json::array();
  for (const LeftRunning& each : process.left_running) {
    left.push_back({{"pid", each.pid}, {"comm", each.comm}});
  }
  return {{"outcome", OutcomeWord(process.outcome, process.stall.has_value())},
          {"outcome_text", OutcomeWords(process)},
          {"child", process.child},
          {"exit_code", OrNull(process.exit_code)},
          {"signal", OrNull(process.signal)},
          {"killed_by", OrNull(process.killed_by)},
          {"peak_memory_bytes", OrNull(process.peak_memory_bytes)},
          {"peak_map_count", OrNull(process.peak_map_count)},
          {"first_failure", ToJson(process.first_failure)},
          {"binding_limit", ToJson(process.binding_limit)},
          {"binding_reason", process.binding_reason},
          {"reason", process.reason},
          {"stall", ToJson(process.stall)},
          {"left_running", std::move(left)},
          {"left_running_count", process.left_running_count},
          {"last_line", OrNull(process.last_line)},
          {"log", OrNull(process.log)}};
}

Json ToJson(const ImageRecord& image) {
  return {{"name", image.name}, {"suite", image.suite}, {"packages", Json(image.packages)}};
}

Json ToJson(const FailureCount& failure) {
  return {{"process", failure.process},
          {"call", failure.call},
          {"errno", failure.errno_name},
          {"count", failure.count}};
}

Json ToJson(const OomKill& kill) {
  return {{"process", OrNull(kill.process)},
          {"pid", kill.pid},
          {"comm", kill.comm},
          {"scope", OrNull(kill.scope)},
          {"cgroup", OrNull(kill.cgroup)},
          {"limit_bytes", LimitOrNull(kill.limit_bytes)},
          {"use_bytes", kill.use_bytes},
          {"anon_rss_bytes", kill.anon_rss_bytes},
          {"file_rss_bytes", kill.file_rss_bytes},
          {"shmem_rss_bytes", kill.shmem_rss_bytes},
          {"swapped_bytes", kill.swapped_bytes},
          {"oom_score_adj", kill.oom_score_adj},
          {"t_s", kill.t_s}};
}

Json ToJson(const LeftOut& left_out) {
  return {{"failed_calls", left_out.failed_calls},
          {"signals", left_out.signals},
          {"oom_kills", left_out.oom_kills}};
}

Json ToJson(const std::optional<PredictedVictim>& predicted) {
  if (!predicted) {
    return nullptr;
  }
  return {{"process", predicted->process},
          {"pid", predicted->pid},
          {"oom_score", predicted->oom_score},
          {"oom_score_adj", predicted->oom_score_adj},
          {"t_s", predicted->t_s},
          {"killed", predicted->killed},
          {"killed_pid", predicted->killed_pid},
          {"killed_oom_score", OrNull(predicted->killed_oom_score)},
          {"held", predicted->held}};
}

Json ToJson(const SwapArea& area) {
  return {{"device", area.device}, {"bytes", area.bytes}, {"priority", area.priority}};
}

Json ToJson(const ChainLink& link) {
  return {{"t_s", link.t_s},
          {"process", OrNull(link.process)},
          {"kind", link.kind},
          {"what", link.what},
          {"limit", OrNull(link.limit)}};
}

Json ToJson(const HeldByNobody& held) {
  return {{"group", held.group}, {"bytes", held.bytes}, {"file_bytes", held.file_bytes}};
}

Json ToJson(const std::optional<LedBy>& led_by) {
  if (!led_by) {
    return nullptr;
  }
  return {{"setting", led_by->setting},
          {"value", OrNull(led_by->value)},
          {"other_value", OrNull(led_by->other_value)},
          {"other_case", led_by->other_case}};
}

Json ToJson(const std::optional<Slower>& slower) {
  if (!slower) {
    return nullptr;
  }
  return {{"what", slower->what},
          {"duration_s", slower->duration_s},
          {"other_duration_s", slower->other_duration_s},
          {"times", slower->times},
          {"other_case", slower->other_case},
          {"process", slower->process},
          {"figures", ToJson(std::optional(slower->figures))},
          {"sentence", slower->sentence}};
}

Json ToJson(const ImposedFault& fault) {
  return {{"name", fault.name},
          {"target", fault.target},
          {"requested", fault.requested},
          {"read_back", OrNull(fault.read_back)},
          {"in_force", fault.in_force},
          {"error", OrNull(fault.error)},
          {"t_s", fault.t_s}};
}

Json ToJson(const ExpectationResult& result) {
  const bool marked = result.mark.line > 0;
  return {{"subject", result.subject},
          {"what", result.what},
          {"expected", result.expected},
          {"found", result.found},
          {"met", OrNull(result.met)},
          {"file", marked ? Json(result.mark.file) : Json(nullptr)},
          {"line", marked ? Json(result.mark.line) : Json(nullptr)},
          {"column", marked ? Json(result.mark.column) : Json(nullptr)}};
}

Json ToJson(const std::optional<GuestRecord>& guest) {
  if (!guest) {
    return nullptr;
  }
  return {{"accelerator", guest->accelerator}, {"time_scale", guest->time_scale},
          {"lost", OrNull(guest->lost)},       {"lost_detail", OrNull(guest->lost_detail)},
          {"console", guest->console},         {"console_log", OrNull(guest->console_log)}};
}

Json ToJson(const Verdict& verdict);

template <typename T>
Json ListToJson(const std::vector<T>& list) {
  Json array = Json::array();
  for (const T& each : list) {
    array.push_back(ToJson(each));
  }
  return array;
}

Json ToJson(const Verdict& verdict) {
  Json processes = Json::object();
  for (const auto& [name, process] : verdict.processes) {
    processes[name] = ToJson(process);
  }
  return {{"scenario", verdict.scenario},
          {"title", verdict.title},
          {"case", verdict.case_name},
          {"repeat", verdict.repeat},
          {"sandbox", verdict.sandbox},
          {"kernel", OrNull(verdict.kernel)},
          {"guest_kernel", OrNull(verdict.guest_kernel)},
          {"cgroup_version", OrNull(verdict.cgroup_version)},
          {"guest", ToJson(verdict.guest)},
          {"expected_met", OrNull(verdict.expected_met)},
          {"outcome", OutcomeWord(verdict.outcome, Stalled(verdict))},
          {"outcome_text", OutcomeWords(verdict)},
          {"reason", verdict.reason},
          {"remedy", OrNull(verdict.remedy)},
          {"evidence_grade", Name(verdict.grade)},
          {"duration_s", verdict.duration_s},
          {"run_dir", verdict.run_dir},
          {"images", ListToJson(verdict.images)},
          {"packages", verdict.packages},
          {"processes", std::move(processes)},
          {"first_failure", ToJson(verdict.first_failure)},
          {"failures", ListToJson(verdict.failures)},
          {"binding_limit", ToJson(verdict.binding_limit)},
          {"binding_reason", verdict.binding_reason},
          {"binding_process", OrNull(verdict.binding_process)},
          {"oom_kills", ListToJson(verdict.oom_kills)},
          {"left_out", ToJson(verdict.left_out)},
          {"predicted_victim", ToJson(verdict.predicted_victim)},
          {"chain", ListToJson(verdict.chain)},
          {"held_by_nobody", ListToJson(verdict.held_by_nobody)},
          {"led_by", ToJson(verdict.led_by)},
          {"slower", ToJson(verdict.slower)},
          {"faults", ListToJson(verdict.faults)},
          {"expectations", ListToJson(verdict.expectations)}};
}

Json ToJson(const HostFacts& host) {
  return {{"kernel", host.kernel},
          {"cgroup_version", host.cgroup_version},
          {"memory_bytes", host.memory_bytes},
          {"swap_bytes", host.swap_bytes},
          {"swaps", ListToJson(host.swaps)},
          {"page_size", host.page_size},
          {"cpus", host.cpus},
          {"sysctls", Json(host.sysctls)}};
}

}  // namespace

std::string FormatJson(const RunReport& report) {
  const Json document = {{"brink_version", report.brink_version},
                         {"host", ToJson(report.host)},
                         {"results", ListToJson(report.results)},
                         {"duration_s", report.duration_s},
                         {"interrupted", report.interrupted}};
  // What a target printed may be in it: bytes that are not UTF-8 become U+FFFD.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace brink
