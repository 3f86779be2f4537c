// SPDX-License-Identifier: MIT
#include "evidence/watch.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <span>

#include "base/unique_fd.h"
#include "evidence/bpf_support.h"
#include "evidence/decode.h"
#include "evidence/group_paths.h"
#include "evidence/symbolise.h"
#include "evidence/syscall_names.h"
#include "evidence/watch_events.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "kernel/pid_namespace.h"
#include "watch.skel.h"

namespace brink {
namespace {

/// On kernels before 5.11 libbpf raises RLIMIT_MEMLOCK for its maps; the targets would inherit that.
class KeepMemlockLimit {
 public:
  KeepMemlockLimit() { ::getrlimit(RLIMIT_MEMLOCK, &before_); }
  KeepMemlockLimit(const KeepMemlockLimit&) = delete;
  KeepMemlockLimit& operator=(const KeepMemlockLimit&) = delete;
  ~KeepMemlockLimit() { ::setrlimit(RLIMIT_MEMLOCK, &before_); }

 private:
  rlimit before_{};
};

std::string ReadMountinfo() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Some kernels refuse every program at a function's entry or return. To learn that from the object's own
/// load would cost a second parse of the kernel's BTF, 20 ms; so a program is offered that no kernel takes
/// (type 1 is no function: EINVAL), and only the refusal of its kind counts.
Status CheckFunctionEntries() {
  const std::array<bpf_insn, 2> nothing{{
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  }};
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_FEXIT;
  options.attach_btf_id = 1;
  const UniqueFd program(
      bpf_prog_load(BPF_PROG_TYPE_TRACING, nullptr, "GPL", nothing.data(), nothing.size(), &options));
  return !program.Valid() && errno == EPERM
             ? FailErrno("it refuses all such programs before its verifier sees them", EPERM)
             : Status{};
}

/// /proc/PID/maps of so many mappings takes under 1 ms, and the target's mmap lock as long.
constexpr std::uint64_t kQuicklyRead = 500;

constexpr std::size_t kMaxKeys = 32768;  // twice what the maps hold

/// Calls `visit` with every key of a BPF hash; `visit` may delete it. When the kernel deletes one meanwhile
/// the walk may start again: then keys come twice, and the walk is bounded.
template <typename Key>
void ForEachKey(int map_fd, const std::function<void(const Key&)>& visit) {
  std::vector<Key> keys;
  Key key{};
  for (const void* previous = nullptr;
       keys.size() < kMaxKeys && bpf_map_get_next_key(map_fd, previous, &key) == 0; previous = &keys.back()) {
    keys.push_back(key);
  }
  for (const Key& each : keys) {
    visit(each);
  }
}

/// Async-signal-safe. Gives the errno.
int UpdateMap(int map_fd, int pid, const void* value) {
  const auto key = static_cast<std::uint32_t>(pid);
  union bpf_attr attributes {};
  attributes.map_fd = static_cast<std::uint32_t>(map_fd);
  attributes.key = reinterpret_cast<std::uint64_t>(&key);
  attributes.value = reinterpret_cast<std::uint64_t>(value);
  return ::syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attributes, sizeof(attributes)) == 0 ? 0 : errno;
}

}  // namespace

struct Watch::State {
  struct FreeRing {
    void operator()(ring_buffer* buffer) const { ring_buffer__free(buffer); }
  };
  SkeletonPtr<watch_bpf> programs;
  bool entries = false;         // the kernel lets the programs of entries.bpf.h follow its functions
  bool looks_at_known = false;  // the kernel can sample without a walk over all tasks of the machine
  std::unique_ptr<ring_buffer, FreeRing> ring;
  std::vector<std::string> missing;
  std::uint64_t page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::string mountinfo = ReadMountinfo();
  GroupPaths memory_paths{"memory", mountinfo};
  GroupPaths pids_paths{"pids", mountinfo};
  Symboliser symboliser;
  const std::function<void(const WatchEvent&)>* sink = nullptr;  // during Drain()

  Status Load();
  Status LoadPrograms(bool with_entries);
  [[nodiscard]] bool LookAtKnown(std::vector<TaskFigures>& tasks);
  static int OnRecord(void* context, void* data, std::size_t size);
  void Complete(DecodedEvent& decoded);
  void CompleteFailure(FailureSeen& seen, const DecodedEvent& decoded);
};

Status Watch::State::Load() {
  const KeepMemlockLimit keep;
  auto followed = CheckFunctionEntries();
  followed = followed ? LoadPrograms(true) : followed;
  entries = followed.has_value();
  if (!entries) {
    if (auto status = LoadPrograms(false); !status) {
      return status;
    }
    missing.push_back("overcommit refusals: this kernel lets no BPF program follow __vm_enough_memory: " +
                      followed.error().message);
  }
  ring.reset(ring_buffer__new(bpf_map__fd(programs->maps.events), OnRecord, this, nullptr));
  if (!ring) {
    return BpfFailure("map the BPF ring buffer", errno);
  }
  return {};
}

Status Watch::State::LoadPrograms(bool with_entries) {
  programs.reset(watch_bpf::open());
  if (!programs) {
    return BpfFailure("open the BPF programs", errno);
  }
  bpf_program__set_autoload(programs->progs.on_overcommit_check, with_entries);
  bpf_program__set_autoload(programs->progs.on_out_of_memory, with_entries);
  // From Linux 5.13 on.
  looks_at_known =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_for_each_map_elem, nullptr) == 1;
  bpf_program__set_autoload(programs->progs.sample_known, looks_at_known);
  if (const int error = watch_bpf::load(programs.get()); error != 0) {
    return BpfFailure("load the BPF programs", -error);
  }
  if (const int error = watch_bpf::attach(programs.get()); error != 0) {
    return BpfFailure("attach the BPF programs", -error);
  }
  return {};
}

/// Looks at the processes whose tasks are known; false when that are not all.
bool Watch::State::LookAtKnown(std::vector<TaskFigures>& tasks) {
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  auto& seen = *programs->bss;
  if (!looks_at_known || seen.tasks_unknown != 0 ||
      bpf_prog_test_run_opts(bpf_program__fd(programs->progs.sample_known), &options) != 0 ||
      seen.tasks_unknown != 0) {
    return false;
  }
  for (const brink_task& record : std::span(seen.sampled).first(seen.sampled_count)) {
    if (const auto task = DecodeTask(std::as_bytes(std::span(&record, 1)), page_size)) {
      tasks.push_back(*task);
    }
  }
  return true;
}

int Watch::State::OnRecord(void* context, void* data, std::size_t size) {
  auto* state = static_cast<State*>(context);
  auto decoded = DecodeEvent({static_cast<const std::byte*>(data), size}, state->page_size);
  if (decoded) {
    state->Complete(*decoded);
    (*state->sink)(decoded->event);
  }
  return 0;
}

void Watch::State::Complete(DecodedEvent& decoded) {
  if (auto* failure = std::get_if<FailureSeen>(&decoded.event)) {
    CompleteFailure(*failure, decoded);
  } else if (auto* kill = std::get_if<OomKillSeen>(&decoded.event)) {
    kill->kill.cgroup = memory_paths.Resolve(decoded.memory_group_ids.front());
  } else if (const auto* exec = std::get_if<ExecSeen>(&decoded.event)) {
    symboliser.Forget(exec->pid);
    symboliser.Offer(exec->path);
    symboliser.Learn(exec->pid);
  } else if (const auto* fork = std::get_if<ForkSeen>(&decoded.event)) {
    symboliser.Inherit(fork->parent_pid, fork->pid);
  } else if (const auto* exit = std::get_if<ExitSeen>(&decoded.event)) {
    symboliser.Forget(exit->pid);
  }
}

namespace {

/// Whether the process still has memory of its own; one that is exiting has none any more.
bool HasMemory(int pid) {
  std::uint64_t pages = 0;
  std::ifstream(fmt::format("/proc/{}/statm", pid)) >> pages;
  return pages > 0;
}

/// The machine's figures a little after the call's return, and whether the process had ended by then.
void AddMachineFigures(FailedCall& call) {
  const bool alive_before = HasMemory(call.pid);
  call.machine = ReadMachineFigures({});
  call.machine_without_it = !(alive_before && HasMemory(call.pid));
}

/// Page cache fills every group to its limit that reads enough, and makes room when asked.
std::uint64_t Reclaimable(const std::string& folder, std::uint64_t page_cache_at_most) {
  const auto stat = ReadSmallFile(folder + "/memory.stat");
  if (!stat) {
    return 0;
  }
  std::uint64_t bytes = 0;
  for (const char* list : {"active_file", "inactive_file"}) {
    // Version 1 has those of the group alone under the name itself.
    const auto with_below = FindNumber(*stat, std::string("total_") + list);
    bytes += with_below ? *with_below : FindNumber(*stat, list).value_or(0);
  }
  return std::min(bytes, page_cache_at_most);
}

}  // namespace

void Watch::State::CompleteFailure(FailureSeen& seen, const DecodedEvent& decoded) {
  if (!entries) {
    seen.call.overcommit_refused.reset();
  }
  AddMachineFigures(seen.call);
  for (std::size_t level = 0; level < decoded.memory_group_ids.size(); ++level) {
    GroupFigures& group = seen.call.memory_groups[level];
    group.path = memory_paths.Resolve(decoded.memory_group_ids[level]);
    if (group.limit != kNoLimit && !group.path.empty()) {
      group.reclaimable = Reclaimable(memory_paths.Mount() + "/" + group.path, group.use);
    }
  }
  for (std::size_t level = 0; level < decoded.pids_group_ids.size(); ++level) {
    seen.call.pids_groups[level].path = pids_paths.Resolve(decoded.pids_group_ids[level]);
  }
  seen.call.stack = symboliser.Describe(seen.call.pid, decoded.stack, decoded.stack_word, decoded.places);
}

Watch::Watch() : state_(std::make_unique<State>()) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<Watch> Watch::Load() {
  ForwardLibbpfLog();
  // The programs know processes by the numbers of the machine, the targets by those of their namespace.
  if (auto status = CheckPidNamespace({}); !status) {
    return tl::unexpected(status.error());
  }
  Watch watch;
  if (auto status = watch.state_->Load(); !status) {
    return tl::unexpected(status.error());
  }
  return watch;
}

const std::vector<std::string>& Watch::Missing() const { return state_->missing; }

Watch::Registration Watch::MakeRegistration(WatchToken token) const {
  return {.map_fd = bpf_map__fd(state_->programs->maps.tracked),
          .known_fd = bpf_map__fd(state_->programs->maps.known_tasks),
          .token = token};
}

int Watch::RegisterSelf(int pid, void* context) {
  const auto* registration = static_cast<Registration*>(context);
  // Its task is not known here: on exec the kernel's side learns it, else at the next look. First, for the
  // sake of an entry of an earlier process of that number; a full map is no failure.
  const std::uint64_t unknown_task = 0;
  const int error = UpdateMap(registration->known_fd, pid, &unknown_task);
  return error != 0 && error != E2BIG ? error : UpdateMap(registration->map_fd, pid, &registration->token);
}

int Watch::PollFd() const { return ring_buffer__epoll_fd(state_->ring.get()); }

void Watch::Drain(const std::function<void(const WatchEvent&)>& sink) {
  state_->sink = &sink;
  ring_buffer__consume(state_->ring.get());
  state_->sink = nullptr;
}

std::vector<FailureTotal> Watch::FailureTotals() const {
  const int map = bpf_map__fd(state_->programs->maps.failure_counts);
  std::vector<FailureTotal> totals;
  ForEachKey<brink_failure_key>(map, [&](const brink_failure_key& key) {
    std::uint64_t count = 0;
    if (bpf_map_lookup_elem(map, &key, &count) == 0) {
      totals.push_back({.token = key.token,
                        .pid = static_cast<int>(key.pid),
                        .call = SyscallName(key.call),
                        .errno_name = ErrnoName(key.error),
                        .count = count});
    }
  });
  return totals;
}

std::uint64_t Watch::EventsLost() const { return state_->programs->bss->events_lost; }

Result<std::vector<TaskFigures>> Watch::SampleByWalk() {
  std::vector<TaskFigures> tasks;
  state_->programs->bss->tasks_unknown = 0;  // before the walk: it may find more than can be known
  const auto status = RunIterator(state_->programs->links.sample_tracked, sizeof(brink_task),
                                  [&](std::span<const std::byte> bytes) {
                                    if (const auto task = DecodeTask(bytes, state_->page_size)) {
                                      tasks.push_back(*task);
                                    }
                                  });
  if (!status) {
    return tl::unexpected(status.error());
  }
  return tasks;
}

Result<std::vector<TaskFigures>> Watch::Sample() {
  Result<std::vector<TaskFigures>> tasks;
  if (!state_->LookAtKnown(*tasks)) {
    tasks = SampleByWalk();
  }
  if (tasks) {
    for (const TaskFigures& task : *tasks) {
      if (task.map_count <= kQuicklyRead) {
        state_->symboliser.Learn(task.pid);
      }
    }
  }
  return tasks;
}

void Watch::Forget(const std::vector<WatchToken>& tokens) {
  const auto forgotten = [&](WatchToken token) {
    return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
  };
  const int counts = bpf_map__fd(state_->programs->maps.failure_counts);
  ForEachKey<brink_failure_key>(counts, [&](const brink_failure_key& key) {
    if (forgotten(key.token)) {
      bpf_map_delete_elem(counts, &key);
    }
  });
  const int tracked = bpf_map__fd(state_->programs->maps.tracked);
  ForEachKey<std::uint32_t>(tracked, [&](const std::uint32_t& pid) {
    WatchToken token = 0;
    if (bpf_map_lookup_elem(tracked, &pid, &token) == 0 && forgotten(token)) {
      bpf_map_delete_elem(tracked, &pid);
    }
  });
}

}  // namespace brink
