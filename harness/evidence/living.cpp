// SPDX-License-Identifier: MIT
#include "evidence/living.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>

#include "base/units.h"
#include "evidence/living_groups.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "kernel/pid_namespace.h"

namespace brink {
namespace {

constexpr std::string_view kInitialUserNamespace = "user:[4026531837]";  // include/linux/proc_ns.h

/// What a file of its own would say of a process that ended between two reads.
tl::unexpected<Error> Gone(int pid) {
  return tl::unexpected<Error>(Error{.message = fmt::format("there is no process {}", pid),
                                     .remedy = "see `ps -e` for those that live",
                                     .code = ESRCH});
}

/// The text after "KEY:" in a line of status.
std::string_view FieldOf(std::string_view status, std::string_view key) {
  for (const std::string_view line : Split(status, '\n')) {
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':') {
      return Trim(line.substr(key.size() + 1));
    }
  }
  return {};
}

std::uint64_t KibibytesOf(std::string_view status, std::string_view key) {
  return FindNumber(status, key).value_or(0) * kKiB;
}

/// The first of the four user ids: the real one.
std::uint64_t RealUserOf(std::string_view status) {
  const std::string_view ids = FieldOf(status, "Uid");
  return ParseNumber(ids.substr(0, ids.find('\t'))).value_or(0);
}

/// What /proc/PID/stat has after the name, which may hold blanks and parentheses. Field 3 of proc(5) is the
/// first.
std::vector<std::string> StatFields(const Roots& roots, int pid) {
  const std::string text = ReadSmallFile(fmt::format("{}/{}/stat", roots.proc, pid)).value_or("");
  const std::size_t name_end = text.rfind(')');
  std::vector<std::string> fields;
  if (name_end != std::string::npos) {
    const std::string rest = text.substr(name_end + 1);
    for (const std::string_view field : Split(rest, ' ')) {
      fields.emplace_back(field);
    }
  }
  return fields;
}

constexpr std::size_t kState = 0;
constexpr std::size_t kFlags = 6;
constexpr std::size_t kThreads = 17;
constexpr std::size_t kStartTime = 19;
constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD of include/linux/sched.h

std::string StartTimeOf(const Roots& roots, int pid) {
  const auto fields = StatFields(roots, pid);
  return fields.size() > kStartTime ? fields[kStartTime] : "";
}

/// A thread that lives on after the first one; empty: none was found.
std::string LivingThreadOf(const Roots& roots, int pid) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(fmt::format("{}/{}/task", roots.proc, pid), error), end;
       !error && it != end; it.increment(error)) {
    const auto status = ReadSmallFile(it->path().string() + "/status");
    if (status && !FieldOf(*status, "VmSize").empty()) {
      return it->path().string();
    }
  }
  return "";
}

/// The first thread counts as one as long as another lives.
Error WithoutFirstThread(const Roots& roots, int pid) {
  const std::string thread = LivingThreadOf(roots, pid);
  return {
      .message = fmt::format(
          "process {} goes on without its first thread, and what Linux shows of a process it shows of that "
          "thread",
          pid),
      .remedy = thread.empty() ? "its other threads have ended meanwhile"
                               : fmt::format("read what Linux shows of a thread that lives: status, limits, "
                                             "maps, fd and cgroup in {}",
                                             thread),
      .code = ESRCH};
}

Status CheckIsProgram(const Roots& roots, int pid) {
  const auto fields = StatFields(roots, pid);
  if (fields.size() <= kStartTime) {
    return Gone(pid);
  }
  Error error{.message = fmt::format("process {} ", pid), .remedy = "name a program", .code = ESRCH};
  if ((ParseNumber(fields[kFlags]).value_or(0) & kKernelThread) != 0) {
    error.message += "is a thread of the kernel: it has no memory and no limits of its own";
    return tl::unexpected(std::move(error));
  }
  if (fields[kState] == "Z" || fields[kState] == "X") {
    if (ParseNumber(fields[kThreads]).value_or(0) > 1) {
      return tl::unexpected(WithoutFirstThread(roots, pid));
    }
    error.message += "has ended: only its exit status is left, for its parent";
    return tl::unexpected(std::move(error));
  }
  return {};
}

/// A thread has a folder too, though it is not listed.
Status CheckIsNoThread(int pid, std::string_view status) {
  const auto process = FindNumber(status, "Tgid");
  if (process.value_or(static_cast<std::uint64_t>(pid)) == static_cast<std::uint64_t>(pid)) {
    return {};
  }
  return tl::unexpected<Error>(Error{
      .message = fmt::format("{} is a thread of process {} ({})", pid, *process, FieldOf(status, "Name")),
      .remedy = fmt::format("give the number of the process: {}", *process),
      .code = ESRCH});
}

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\0', begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::string FileName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

void ReadStatus(std::string_view status, LivingProcess& process) {
  process.comm = FieldOf(status, "Name");
  process.uid = RealUserOf(status);
  const std::string_view set = FieldOf(status, "CapEff");
  std::from_chars(set.data(), set.data() + set.size(), process.capabilities, 16);
  process.threads = FindNumber(status, "Threads").value_or(0);
  process.address_space = KibibytesOf(status, "VmSize");
  process.data = KibibytesOf(status, "VmData");
  process.stack = KibibytesOf(status, "VmStk");
  process.locked = KibibytesOf(status, "VmLck");
  process.huge_pages = KibibytesOf(status, "HugetlbPages");
}

/// One line of /proc/PID/limits: the name in words, and the row of the fault table.
struct LimitLine {
  std::string_view words;
  std::string_view name;
};
constexpr auto kLimitLines = std::to_array<LimitLine>({{"Max cpu time", "RLIMIT_CPU"},
                                                       {"Max file size", "RLIMIT_FSIZE"},
                                                       {"Max data size", "RLIMIT_DATA"},
                                                       {"Max stack size", "RLIMIT_STACK"},
                                                       {"Max processes", "RLIMIT_NPROC"},
                                                       {"Max open files", "RLIMIT_NOFILE"},
                                                       {"Max locked memory", "RLIMIT_MEMLOCK"},
                                                       {"Max address space", "RLIMIT_AS"}});

void ReadRlimits(const Roots& roots, LivingProcess& process) {
  const auto text = ReadSmallFile(fmt::format("{}/{}/limits", roots.proc, process.pid));
  for (const LimitLine& known : kLimitLines) {
    if (!text) {
      process.unread[std::string(known.name)] = text.error();
      continue;
    }
    for (const std::string_view line : Split(*text, '\n')) {
      if (line.starts_with(known.words)) {
        const auto values = Split(line.substr(known.words.size()), ' ');
        const auto value = [&](std::size_t at) {
          return values.size() > at ? ParseNumber(values[at]).value_or(kNoLimit) : kNoLimit;
        };
        process.rlimits[std::string(known.name)] = {.soft = value(0), .hard = value(1)};
      }
    }
  }
}

Error WithRemedy(Error error) {
  if (error.code == EACCES || error.code == EPERM) {
    error.remedy = ::geteuid() == 0
                       ? "it has capabilities that brink lacks (ptrace(2)): run brink with all of them"
                       : "run brink as root, or as the process's user";
  }
  return error;
}

/// Linux 6.2 tells their number as the folder's size; before, they must be listed.
void ReadDescriptors(const Roots& roots, LivingProcess& process) {
  const std::string path = fmt::format("{}/{}/fd", roots.proc, process.pid);
  std::error_code error;
  std::uint64_t listed = 0;
  struct stat folder {};
  if (::access(path.c_str(), R_OK) == 0 && ::stat(path.c_str(), &folder) == 0 && folder.st_size > 0 &&
      roots.proc == "/proc") {
    process.descriptors = static_cast<std::uint64_t>(folder.st_size);
    return;
  }
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    ++listed;
  }
  if (error) {
    process.unread["RLIMIT_NOFILE"] = WithRemedy(FailErrno("list " + path, error.value()).value());
    return;
  }
  process.descriptors = listed;
}

std::string LinkOf(const Roots& roots, int pid, const char* name, std::error_code& error) {
  return std::filesystem::read_symlink(fmt::format("{}/{}/{}", roots.proc, pid, name), error).string();
}

void ReadCommand(const Roots& roots, LivingProcess& process) {
  const auto text = ReadSmallFile(fmt::format("{}/{}/cmdline", roots.proc, process.pid));
  if (text) {
    process.command = WordsOf(*text);
  } else {
    process.unread["command"] = WithRemedy(text.error());
  }
  std::error_code error;
  process.exe = LinkOf(roots, process.pid, "exe", error);
  process.cwd = LinkOf(roots, process.pid, "cwd", error);
  if (error) {
    process.unread["cwd"] = WithRemedy(FailErrno("read its working directory", error.value()).value());
  }
  const std::string space = LinkOf(roots, process.pid, "ns/user", error);
  process.initial_user_namespace = error || space == kInitialUserNamespace;
}

using Counted = Result<std::vector<ProcessMappings>>;

/// The slow way, for one process: the kernel holds its mmap lock while the file is read.
void CountByMaps(const Roots& roots, const std::string& why, LivingProcess& process) {
  const auto maps = ReadSmallFile(fmt::format("{}/{}/maps", roots.proc, process.pid));
  if (!maps || maps->empty()) {
    process.unread["vm.max_map_count"] =
        WithRemedy(maps ? Error{.message = "it has ended", .remedy = {}, .code = ESRCH} : maps.error());
    return;
  }
  const bool page_of_kernel = maps->find("[vsyscall]") != std::string::npos;  // not a mapping of its own
  const auto lines = static_cast<std::uint64_t>(std::count(maps->begin(), maps->end(), '\n')) + 1;
  process.mappings = lines - (page_of_kernel ? 1 : 0);
  process.mappings_note = fmt::format(
      "counted in /proc/PID/maps, for which older kernels take its mmap lock, 20 ms in all with 65,530 "
      "mappings: {}",
      why);
}

void CountMappings(const Roots& roots, const Counted& counted, LivingProcess& process) {
  if (!counted) {
    CountByMaps(roots, counted.error().message, process);
    return;
  }
  const auto its = std::find_if(counted->begin(), counted->end(),
                                [&](const ProcessMappings& each) { return each.pid == process.pid; });
  if (its == counted->end()) {
    CountByMaps(roots, "the kernel's list of tasks does not have it", process);
    return;
  }
  process.mappings = its->map_count;
}

/// That of a process's first living thread: the first one of all may have ended, and shows no memory then.
std::string StatusOfALivingThread(const Roots& roots, int pid, std::string status) {
  if (!FieldOf(status, "VmSize").empty() || FindNumber(status, "Threads").value_or(0) < 2) {
    return status;
  }
  const std::string thread = LivingThreadOf(roots, pid);
  return thread.empty() ? status : ReadSmallFile(thread + "/status").value_or(status);
}

/// Its figures for the OOM killer; nothing when it is gone or has no memory (a thread of the kernel).
std::optional<MemoryHolder> HolderOf(const Roots& roots, int pid, std::string_view status) {
  if (FieldOf(status, "VmSize").empty()) {
    return std::nullopt;
  }
  const std::string adj = ReadSmallFile(fmt::format("{}/{}/oom_score_adj", roots.proc, pid)).value_or("0");
  int score = 0;
  std::from_chars(adj.data(), adj.data() + adj.size(), score);
  return MemoryHolder{.pid = pid,
                      .comm = std::string(FieldOf(status, "Name")),
                      .rss = KibibytesOf(status, "RssAnon") + KibibytesOf(status, "RssFile") +
                             KibibytesOf(status, "RssShmem"),
                      .swapped = KibibytesOf(status, "VmSwap"),
                      .page_tables = KibibytesOf(status, "VmPTE"),
                      .oom_score_adj = score};
}

std::vector<int> AllPids(const Roots& roots) {
  std::vector<int> pids;
  std::error_code error;
  for (std::filesystem::directory_iterator it(roots.proc, error), end; !error && it != end;
       it.increment(error)) {
    if (const auto pid = ParseNumber(it->path().filename().string())) {
      pids.push_back(static_cast<int>(*pid));
    }
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

/// The kernel's word is in `counted`. Without it a child with its parent's very figures counts as having its
/// parent's memory. `holders` are in the order of their numbers.
void MarkPassedOver(const Counted& counted, const std::map<int, int>& parents,
                    std::vector<MemoryHolder>& holders) {
  const auto find = [&](int pid) {
    const auto found = std::ranges::lower_bound(holders, pid, {}, &MemoryHolder::pid);
    return found != holders.end() && found->pid == pid ? &*found : nullptr;
  };
  if (counted) {
    for (const ProcessMappings& each : *counted) {
      if (MemoryHolder* holder = find(each.pid); holder != nullptr) {
        holder->passed_over = each.passed_over;
      }
    }
    return;
  }
  for (MemoryHolder& child : holders) {
    const MemoryHolder* parent = find(parents.at(child.pid));
    child.passed_over = parent != nullptr && parent->rss == child.rss && parent->swapped == child.swapped &&
                        parent->page_tables == child.page_tables;
  }
}

/// Everybody whom the OOM killer could weigh, and the tasks that RLIMIT_NPROC counts with the process's.
void ReadNeighbours(const Roots& roots, const Counted& counted, LivingProcess& process) {
  std::map<int, int> parents;
  for (const int pid : AllPids(roots)) {
    if (pid == ::getpid() && pid != process.pid) {
      continue;  // brink will not be there any more
    }
    const auto status = ReadSmallFile(fmt::format("{}/{}/status", roots.proc, pid));
    if (!status) {
      continue;
    }
    if (RealUserOf(*status) == process.uid) {
      process.user_tasks += FindNumber(*status, "Threads").value_or(0);
    }
    if (auto holder = HolderOf(roots, pid, StatusOfALivingThread(roots, pid, *status))) {
      if (pid == process.pid) {
        process.oom_score_adj = holder->oom_score_adj;
      }
      parents[pid] = static_cast<int>(FindNumber(*status, "PPid").value_or(0));
      process.processes.push_back(std::move(*holder));
    }
  }
  MarkPassedOver(counted, parents, process.processes);
}

/// What the OOM killers go by besides.
void ReadOomRules(const Roots& roots, const Status& all_seen, LivingProcess& process) {
  for (const char* name : {"vm.panic_on_oom", "vm.oom_kill_allocating_task", "vm.swappiness"}) {
    if (auto value = ReadMachineSetting(roots, name)) {
      process.oom_sysctls[name] = *std::move(value);
    }
  }
  ReadOomGroups(roots, process);
  if (!all_seen) {
    process.processes_note =
        "brink is in a PID namespace of its own: processes outside of it can't be seen from here, and the "
        "machine's OOM killer may prefer one of them";
    return;
  }
  for (MemoryHolder& holder : process.processes) {
    holder.system = holder.pid == 1;  // that of a namespace is as mortal as others
  }
}

}  // namespace

Result<std::vector<NamedProcess>> FindProcesses(const Roots& roots, std::string_view name) {
  std::vector<NamedProcess> found;
  Error none{.message = fmt::format("no process is named '{}'", name),
             .remedy = "see `ps -e`, or give its number",
             .code = ESRCH};
  for (const int pid : AllPids(roots)) {
    const std::string folder = fmt::format("{}/{}", roots.proc, pid);
    const auto comm = ReadSmallFile(folder + "/comm");
    if (!comm || pid == ::getpid()) {
      continue;
    }
    if (const auto program = CheckIsProgram(roots, pid); !program) {
      none = *comm == name ? program.error() : none;
      continue;
    }
    const auto words = WordsOf(ReadSmallFile(folder + "/cmdline").value_or(""));
    std::error_code error;
    const std::string exe = LinkOf(roots, pid, "exe", error);
    const auto is_named = [&](const std::string& path) {
      return !path.empty() && (path == name || FileName(path) == name);
    };
    if (*comm == name || is_named(exe) || (!words.empty() && is_named(words.front()))) {
      found.push_back(
          {.pid = pid, .command = words.empty() ? *comm : fmt::format("{}", fmt::join(words, " "))});
    }
  }
  if (found.empty()) {
    return tl::unexpected(std::move(none));
  }
  return found;
}

Result<LivingProcess> ReadLivingProcess(const Roots& roots, int pid, const AllMappings& count_by_kernel) {
  if (auto program = CheckIsProgram(roots, pid); !program) {
    return tl::unexpected(program.error());
  }
  const std::string began = StartTimeOf(roots, pid);
  const auto status = ReadSmallFile(fmt::format("{}/{}/status", roots.proc, pid));
  if (!status) {
    return Gone(pid);
  }
  if (auto process = CheckIsNoThread(pid, *status); !process) {
    return tl::unexpected(process.error());
  }
  LivingProcess process;
  process.pid = pid;
  ReadStatus(*status, process);
  const Status all_seen = CheckPidNamespace(roots);
  const Counted counted = all_seen ? count_by_kernel() : Counted(tl::unexpected(all_seen.error()));
  CountMappings(roots, counted, process);
  ReadRlimits(roots, process);
  ReadDescriptors(roots, process);
  ReadCommand(roots, process);
  ReadGroupLevels(roots, process);
  process.machine = ReadMachineFigures(roots);
  process.sysctls = ReadMachineSettingsAtRest(roots);
  process.page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  ReadNeighbours(roots, counted, process);
  ReadOomRules(roots, all_seen, process);
  // Its number may be another process's by now.
  if (StartTimeOf(roots, pid) != began || !CheckIsProgram(roots, pid)) {
    return tl::unexpected<Error>(Error{
        .message = fmt::format("process {} ended while it was read", pid), .remedy = {}, .code = ESRCH});
  }
  return process;
}

}  // namespace brink
