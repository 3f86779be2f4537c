// SPDX-License-Identifier: MIT
// Internal to model/json.cpp: the fields of Plan and Evidence, in the order they are written. Keys are the
// members' names.
#pragma once

#include "model/evidence.h"
#include "model/json_archive.h"
#include "model/plan.h"

namespace brink {

void Fields(auto& a, json::Like<SourceMark> auto& x) {
  a("file", x.file)("line", x.line)("column", x.column);
}

// Plan.

void Fields(auto& a, json::Like<Setting> auto& x) { a("name", x.name)("value", x.value)("mark", x.mark); }
void Fields(auto& a, json::Like<RlimitSetting> auto& x) { a("name", x.name)("soft", x.soft)("hard", x.hard); }
void Fields(auto& a, json::Like<Ready> auto& x) {
  a("tcp", x.tcp)("log", x.log)("exec", x.exec)("timeout_s", x.timeout_s);
}
void Fields(auto& a, json::Like<ChildRule> auto& x) {
  a("name", x.name)("title", x.title)("exe", x.exe)("oom_score_adj", x.oom_score_adj);
}
void Fields(auto& a, json::Like<ProcessPlan> auto& x) {
  a("name", x.name)("argv", x.argv)("env", x.env)("cwd", x.cwd)("user", x.user)("group", x.group);
  a("rlimits", x.rlimits)("oom_score_adj", x.oom_score_adj)("nice", x.nice)("ready", x.ready);
  a("children", x.children)("autostart", x.autostart)("stop_signal", x.stop_signal)("image", x.image);
  a("stop_timeout_s", x.stop_timeout_s);
}
void Fields(auto& a, json::Like<GroupPlan> auto& x) { a("name", x.name)("settings", x.settings); }
void Fields(auto& a, json::Like<CommandExpect> auto& x) {
  a("exit", json::OneOrList{x.exit})("output", x.output)("max_duration_s", x.max_duration_s);
}
void Fields(auto& a, json::Like<RunStep> auto& x) {
  a("argv", x.argv)("env", x.env)("image", x.image)("background", x.background);
}
void Fields(auto& a, json::Like<SetStep::Target> auto& x) {
  a("name", x.name)("cgroup", x.cgroup)("rlimits", x.rlimits)("oom_score_adj", x.oom_score_adj)("nice",
                                                                                                x.nice);
}
void Fields(auto& a, json::Like<SetStep> auto& x) { a("machine", x.machine)("targets", x.targets); }
void Fields(auto& a, json::Like<SignalStep> auto& x) { a("process", x.process)("signal", x.signal); }
void Fields(auto& a, json::Like<StartStep> auto& x) { a("process", x.process); }
void Fields(auto& a, json::Like<StopStep> auto& x) { a("process", x.process); }
void Fields(auto& a, json::Like<WaitStep> auto& x) {
  a("log_pattern", x.log_pattern)("tcp", x.tcp)("exit", x.exit)("map_count_above", x.map_count_above);
  a("memory_above", x.memory_above)("duration_s", x.duration_s)("process", x.process);
}
void Fields(auto& a, json::Like<SqueezeStep> auto& x) {
  a("process", x.process)("to_bytes", x.to_bytes)("by_bytes", x.by_bytes)("every_s", x.every_s);
}
void Fields(auto& a, json::Like<StepPlan> auto& x) {
  a("as", x.as)("action", x.action)("timeout_s", x.timeout_s)("expect", x.expect)("mark", x.mark);
}
void Fields(auto& a, json::Like<FailureExpect> auto& x) {
  a("call", json::OneOrList{x.call})("errno_name", x.errno_name)("min_count", x.min_count);
  a("max_count", x.max_count)("binding_limit", x.binding_limit);
}
void Fields(auto& a, json::Like<Range> auto& x) { a("min", x.min)("max", x.max); }
void Fields(auto& a, json::Like<Expectation> auto& x) {
  a("subject", x.subject)("mark", x.mark)("outcome", x.outcome)("signal", x.signal)("killed_by", x.killed_by);
  a("failure", x.failure)("no_failures", x.no_failures)("binding_limit", x.binding_limit)("log", x.log);
  a("log_absent", x.log_absent)("oom_scope", x.oom_scope)("peak_memory_bytes", x.peak_memory_bytes);
  a("peak_map_count", x.peak_map_count)("output", x.output)("max_duration_s", x.max_duration_s);
  a("exit", json::OneOrList{x.exit})("predicted_victim", x.predicted_victim)("oom_victim", x.oom_victim);
  a("stalled", x.stalled)("may_stall", x.may_stall)("first_failure", x.first_failure)("reason", x.reason);
  a("left_charged_bytes", x.left_charged_bytes);
}
void Fields(auto& a, json::Like<GuestSpec> auto& x) {
  a("kernel", x.kernel)("memory_bytes", x.memory_bytes)("swap_bytes", x.swap_bytes)("cpus", x.cpus);
  a("zram_bytes", x.zram_bytes)("cgroup", x.cgroup)("boot", x.boot);
}
void Fields(auto& a, json::Like<Plan> auto& x) {
  a("scenario", x.scenario)("title", x.title)("reference", x.reference)("tags", x.tags)("case_name",
                                                                                        x.case_name);
  a("repeat", x.repeat)("sandbox", x.sandbox)("mark", x.mark)("scenario_dir", x.scenario_dir)("run_dir",
                                                                                              x.run_dir);
  a("data_dir", x.data_dir)("parameters", x.parameters)("machine", x.machine)("groups", x.groups);
  a("images", x.images)("packages", x.packages)("ports", x.ports);
  a("processes", x.processes)("steps", x.steps)("expect", x.expect)("timeout_s", x.timeout_s);
  a("not_runnable", x.not_runnable)("not_runnable_remedy", x.not_runnable_remedy);
  a("not_applicable", x.not_applicable)("guest", x.guest)("needs_guest", x.needs_guest);
}

// Evidence.

/// Wraps a member that may be kNoLimit.
template <typename T>
json::Limit<T> OrNoLimit(T& value) {
  return json::Limit<T>{value};
}

void Fields(auto& a, json::Like<SwapArea> auto& x) {
  a("device", x.device)("bytes", x.bytes)("priority", x.priority);
}
void Fields(auto& a, json::Like<HostFacts> auto& x) {
  a("kernel", x.kernel)("cgroup_version", x.cgroup_version)("memory_bytes", x.memory_bytes);
  a("swap_bytes", x.swap_bytes)("swaps", x.swaps)("page_size", x.page_size)("cpus", x.cpus);
  a("sysctls", x.sysctls);
}
void Fields(auto& a, json::Like<ImposedFault> auto& x) {
  a("name", x.name)("target", x.target)("requested", x.requested)("read_back", x.read_back);
  a("in_force", x.in_force)("error", x.error)("t_s", x.t_s);
}
void Fields(auto& a, json::Like<MachineFigures> auto& x) {
  a("max_map_count", x.max_map_count)("overcommit_memory", x.overcommit_memory);
  a("commit_limit_bytes", x.commit_limit_bytes)("committed_as_bytes", x.committed_as_bytes);
  a("memory_total_bytes", x.memory_total_bytes)("memory_available_bytes", x.memory_available_bytes);
  a("swap_total_bytes", x.swap_total_bytes)("pid_max", x.pid_max)("threads_max", x.threads_max);
  a("threads", x.threads)("hugepages_total", x.hugepages_total)("hugepages_free", x.hugepages_free);
  a("hugepages_reserved", x.hugepages_reserved)("hugepage_size_bytes", x.hugepage_size_bytes);
  a("admin_reserve_bytes", x.admin_reserve_bytes)("user_reserve_bytes", x.user_reserve_bytes);
}
void Fields(auto& a, json::Like<GroupFigures> auto& x) {
  a("path", x.path)("use", x.use)("limit", OrNoLimit(x.limit))("reclaimable", x.reclaimable);
}
void Fields(auto& a, json::Like<ProcessLimits> auto& x) {
  a("as", OrNoLimit(x.as))("data", OrNoLimit(x.data))("memlock", OrNoLimit(x.memlock));
  a("stack", OrNoLimit(x.stack))("nproc", OrNoLimit(x.nproc));
}
void Fields(auto& a, json::Like<FailedCall> auto& x) {
  a("process", x.process)("pid", x.pid)("tid", x.tid)("comm", x.comm)("call", x.call)("errno_name",
                                                                                      x.errno_name);
  a("args", x.args)("t_s", x.t_s)("threads", x.threads)("map_count", x.map_count)("locked_bytes",
                                                                                  x.locked_bytes);
  a("total_vm_bytes", x.total_vm_bytes)("data_vm_bytes", x.data_vm_bytes)("stack_vm_bytes", x.stack_vm_bytes);
  a("ipc_lock_capable", x.ipc_lock_capable)("resource_capable", x.resource_capable)("user_tasks",
                                                                                    x.user_tasks);
  a("uid", x.uid)("limits", x.limits)("memory_groups", x.memory_groups)("pids_groups", x.pids_groups);
  a("overcommit_refused", x.overcommit_refused)("machine", x.machine);
  a("machine_without_it", x.machine_without_it)("stack", x.stack);
}
void Fields(auto& a, json::Like<FailureCount> auto& x) {
  a("process", x.process)("call", x.call)("errno_name", x.errno_name)("count", x.count);
}
void Fields(auto& a, json::Like<OomKill> auto& x) {
  a("process", x.process)("pid", x.pid)("comm", x.comm)("scope", x.scope)("cgroup", x.cgroup);
  a("limit_bytes", OrNoLimit(x.limit_bytes))("use_bytes", x.use_bytes)("anon_rss_bytes", x.anon_rss_bytes);
  a("file_rss_bytes", x.file_rss_bytes)("shmem_rss_bytes", x.shmem_rss_bytes);
  a("swapped_bytes", x.swapped_bytes)("oom_score_adj", x.oom_score_adj);
  a("invoker_pid", x.invoker_pid)("invoker_comm", x.invoker_comm)("t_s", x.t_s);
}
void Fields(auto& a, json::Like<SignalSent> auto& x) {
  a("signal", x.signal)("code", x.code)("sender_pid", x.sender_pid)("sender_comm", x.sender_comm);
  a("sender", x.sender)("process", x.process)("pid", x.pid)("t_s", x.t_s);
}
void Fields(auto& a, json::Like<LeftRunning> auto& x) { a("pid", x.pid)("comm", x.comm); }
void Fields(auto& a, json::Like<OutputLine> auto& x) { a("t_s", x.t_s)("text", x.text); }
void Fields(auto& a, json::Like<ProcessRecord> auto& x) {
  a("name", x.name)("kind", x.kind)("parent", x.parent)("pid", x.pid)("comm", x.comm)("started", x.started);
  a("start_error", x.start_error)("start_remedy", x.start_remedy)("ready", x.ready)("start_s", x.start_s)(
      "end_s", x.end_s);
  a("exit_code", x.exit_code)("signal", x.signal)("stopped_by_brink", x.stopped_by_brink);
  a("alive_at_end", x.alive_at_end)("timed_out", x.timed_out)("peak_memory_bytes", x.peak_memory_bytes);
  a("peak_map_count", x.peak_map_count)("state", x.state)("wait_channel", x.wait_channel);
  a("under_oom", x.under_oom)("under_oom_s", x.under_oom_s)("throttled_high", x.throttled_high)(
      "left_running", x.left_running);
  a("left_running_count", x.left_running_count)("last_line", x.last_line)("log", x.log);
  a("group_shmem_bytes", x.group_shmem_bytes)("complaints", x.complaints);
}
void Fields(auto& a, json::Like<GroupRecord> auto& x) {
  a("name", x.name)("path", x.path)("memory_limit_bytes", x.memory_limit_bytes);
  a("peak_memory_bytes", x.peak_memory_bytes)("oom_kills", x.oom_kills)("limit_hits", x.limit_hits);
  a("pids_refused", x.pids_refused)("left_shmem_bytes", x.left_shmem_bytes);
  a("throttled_high", x.throttled_high)("refaulted_bytes", x.refaulted_bytes)("stalled_s", x.stalled_s);
  a("left_file_bytes", x.left_file_bytes);
}
void Fields(auto& a, json::Like<StepRecord> auto& x) {
  a("as", x.as)("index", x.index)("text", x.text)("skipped", x.skipped)("timed_out", x.timed_out);
  a("error", x.error)("exit_code", x.exit_code)("signal", x.signal)("output", x.output);
  a("output_matched", x.output_matched)("patterns", x.patterns)("start_s", x.start_s)("duration_s",
                                                                                      x.duration_s);
}
void Fields(auto& a, json::Like<LogMatch> auto& x) {
  a("process", x.process)("pattern", x.pattern)("count", x.count)("first_line", x.first_line)("first_s",
                                                                                              x.first_s);
}
void Fields(auto& a, json::Like<MapsSummary> auto& x) {
  a("process", x.process)("t_s", x.t_s)("mappings", x.mappings)("anonymous", x.anonymous);
  a("file_backed", x.file_backed)("stacks_and_special", x.stacks_and_special)("commonest", x.commonest);
}
void Fields(auto& a, json::Like<TimelineSample> auto& x) {
  a("t_s", x.t_s)("subject", x.subject)("pid", x.pid)("map_count", x.map_count)("locked_bytes",
                                                                                x.locked_bytes);
  a("total_vm_bytes", x.total_vm_bytes)("memory_bytes", x.memory_bytes)("failures", x.failures);
  a("oom_score", x.oom_score)("oom_score_adj", x.oom_score_adj);
}
void Fields(auto& a, json::Like<GuestRecord> auto& x) {
  a("kernel", x.kernel)("accelerator", x.accelerator)("time_scale", x.time_scale)("lost", x.lost);
  a("lost_detail", x.lost_detail)("host_disk_error", x.host_disk_error)("console", x.console);
  a("console_log", x.console_log);
}
void Fields(auto& a, json::Like<ImageRecord> auto& x) {
  a("name", x.name)("suite", x.suite)("packages", x.packages);
}
void Fields(auto& a, json::Like<CommitSample> auto& x) {
  a("t_s", x.t_s)("committed_bytes", x.committed_bytes)("targets_bytes", x.targets_bytes);
  a("targets_mapped_bytes", x.targets_mapped_bytes)("steady", x.steady);
}
void Fields(auto& a, json::Like<ZramFigures> auto& x) {
  a("t_s", x.t_s)("stored_bytes", x.stored_bytes)("memory_bytes", x.memory_bytes);
  a("swap_free_bytes", x.swap_free_bytes);
}
void Fields(auto& a, json::Like<LeftOut> auto& x) {
  a("failed_calls", x.failed_calls)("signals", x.signals)("oom_kills", x.oom_kills);
}
void Fields(auto& a, json::Like<Evidence> auto& x) {
  a("format", x.format)("brink_version", x.brink_version)("host", x.host)("guest", x.guest)("grade", x.grade);
  a("images", x.images);
  a("grade_reason", x.grade_reason)("duration_s", x.duration_s)("interrupted", x.interrupted);
  a("disk_full", x.disk_full);
  a("harness_error", x.harness_error)("timed_out", x.timed_out)("faults", x.faults)("processes", x.processes);
  a("groups", x.groups)("steps", x.steps)("failed_calls", x.failed_calls)("failure_counts", x.failure_counts);
  a("events_lost", x.events_lost)("oom_kills", x.oom_kills)("signals", x.signals)("log_matches",
                                                                                  x.log_matches);
  a("left_out", x.left_out)("maps", x.maps)("timeline", x.timeline)("commitments", x.commitments);
  a("zram", x.zram);
}

namespace json {

template <>
struct Names<EvidenceGrade> {
  static constexpr std::array<std::string_view, 3> kValues{"kernel", "counters", "none"};
};
template <>
struct Names<ProcessRecord::Kind> {
  static constexpr std::array<std::string_view, 3> kValues{"process", "child", "step"};
};
template <>
struct Names<decltype(StepPlan::action)> {
  static constexpr std::array<std::string_view, 7> kValues{"run",  "set",  "signal", "start",
                                                           "stop", "wait", "squeeze"};
};

}  // namespace json
}  // namespace brink
