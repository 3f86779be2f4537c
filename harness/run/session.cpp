// SPDX-License-Identifier: MIT
#include "run/session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/readable.h"
#include "base/version.h"
#include "evidence/mappings.h"
#include "evidence/watch.h"
#include "judge/judge.h"
#include "judge/pairs.h"
#include "model/json.h"
#include "run/case_runner.h"
#include "run/guest_pool.h"
#include "run/plan_queue.h"
#include "run/run_folder.h"
#include "sandbox/host.h"

namespace brink {
namespace {

/// How long a case waits for other brinks that need other machine-wide values.
constexpr double kMachineWaitS = 600;

/// Makes brink the OOM killer's last choice. Gives what targets must be given instead; nothing when that was
/// refused.
std::optional<int> ProtectSelf(const Roots& roots) {
  const std::string path = roots.proc + "/self/oom_score_adj";
  int before = 0;
  std::ifstream(path) >> before;
  std::ofstream file(path);
  file << "-1000";
  file.close();
  return file ? std::optional<int>(before) : std::nullopt;
}

}  // namespace

struct Session::State {
  struct Worker {
    std::optional<Watch> watch;
    std::string missing;
    bool loaded = false;
    std::optional<CaseGroups> spent;  // of a case that is over; removed once its verdict is out
    GuestSlot guest;
  };

  SessionOptions options;
  HostFacts facts;
  std::unique_ptr<HostSandbox> sandbox;  // null when no plan runs here
  GuestPool guests;
  std::optional<int> default_oom_score_adj;
  std::vector<Worker> workers;
  std::mutex report_mutex;
  Status put_back;                // what could not be put back, of all cases
  Status removed;                 // groups that could not be removed when their case was over
  Status saved;                   // the first file that could not be written
  std::set<std::string> unsaved;  // folders of the cases that lack one

  /// One plan, saved and judged.
  struct Finished {
    Verdict verdict;
    HostFacts host;  // of the machine that it ran on
    bool interrupted = false;
  };
  Finished RunOn(Worker& worker, const Plan& plan);
  Evidence Collect(Worker& worker, Plan& plan);
  Evidence CollectHere(Worker& worker, Plan& plan);
  Evidence CollectInGuest(Worker& worker, Plan& plan);
  void LoadWatch(Worker& worker) const;
  void RemoveSpent(Worker& worker);
  void Report(const Plan& plan, const std::string& line);
  void Tell(const Plan& plan, const Verdict& verdict, bool interrupted);
  void KeepFailure(const Error& error);
  /// A verdict that can't be saved is still a verdict: the run goes on, and Finish() fails.
  void KeepUnsaved(const std::string& run_dir, const Error& error);
  [[nodiscard]] Status AllSaved() const;
  /// The verdicts of those that ran; what their comparison shows is saved too.
  std::vector<Verdict> Compared(std::vector<std::optional<Finished>> results);
  [[nodiscard]] bool Cancelled() const;
};

void Session::State::LoadWatch(Worker& worker) const {
  if (worker.loaded) {
    return;
  }
  worker.loaded = true;
  if (!options.use_bpf) {
    worker.missing = "BPF was not to be used";
    return;
  }
  auto watch = Watch::Load();
  if (watch) {
    worker.watch = std::move(*watch);
    return;
  }
  worker.missing = watch.error().message;
  if (!watch.error().remedy.empty()) {
    worker.missing += " (" + watch.error().remedy + ")";
  }
}

/// What cannot be removed now is tried again, and reported, when the session finishes.
void Session::State::RemoveSpent(Worker& worker) {
  if (!worker.spent) {
    return;
  }
  if (const auto status = worker.spent->Remove(); !status) {
    spdlog::error("{} ({})", status.error().message, status.error().remedy);
    const std::scoped_lock lock(report_mutex);
    removed = removed ? status : removed;
  }
  worker.spent.reset();
}

void Session::State::Report(const Plan& plan, const std::string& line) {
  if (options.progress) {
    const std::scoped_lock lock(report_mutex);
    options.progress(plan, line);
  }
}

/// That a case is over.
void Session::State::Tell(const Plan& plan, const Verdict& verdict, bool interrupted) {
  const std::scoped_lock lock(report_mutex);
  if (interrupted && options.interrupted) {
    options.interrupted(plan);
  } else if (!interrupted && options.finished) {
    options.finished(verdict);
  }
}

/// A machine left changed is a failure of the whole session, not of the case, which has its verdict: it is
/// told at the end, where it cannot scroll away.
void Session::State::KeepFailure(const Error& error) {
  const std::scoped_lock lock(report_mutex);
  if (put_back) {
    put_back = tl::unexpected(error);
  } else if (put_back.error().message.find(error.message) == std::string::npos) {
    put_back.error().message += "; " + error.message;
  }
}

bool Session::State::Cancelled() const { return IsReadable(options.cancel_fd); }

/// Plan to evidence. A plan that cannot be run gets its reason.
Evidence Session::State::Collect(Worker& worker, Plan& plan) {
  if (!plan.not_runnable && !plan.not_applicable) {
    return plan.sandbox == "vm" ? CollectInGuest(worker, plan) : CollectHere(worker, plan);
  }
  Evidence evidence;
  evidence.host = facts;
  return evidence;
}

Evidence Session::State::CollectInGuest(Worker& worker, Plan& plan) {
  const auto progress = [&](const std::string& line) { Report(plan, line); };
  // What a kernel lacks may be known only once it is there; that of a guest that is ready lacks nothing, and
  // nobody else's download is to be waited for.
  const bool ready = worker.guest.Spec() == plan.guest;
  const auto why = ready ? Result<std::string>("") : guests.WhyNoSuchMachine(plan.guest, progress);
  if (why && !why->empty()) {
    plan.not_applicable = *why;
    Evidence nothing;
    nothing.host = facts;
    return nothing;
  }
  auto guest =
      why ? guests.Prepare(worker.guest, plan.guest, options.out_dir.empty() ? plan.run_dir : options.out_dir,
                           options.cancel_fd, progress)
          : tl::unexpected(why.error());
  if (guest) {
    return (*guest)->Run(plan, progress);
  }
  Evidence evidence;
  evidence.host = facts;
  evidence.interrupted = Cancelled();
  plan.not_runnable = guest.error().message;
  plan.not_runnable_remedy = guest.error().remedy;
  return evidence;
}

/// On this machine, which is taken and given back.
Evidence Session::State::CollectHere(Worker& worker, Plan& plan) {
  Evidence evidence;
  evidence.host = facts;
  const auto give_up = [&](const Error& error) {
    plan.not_runnable = error.message;
    plan.not_runnable_remedy = error.remedy;
    return evidence;
  };
  if (sandbox == nullptr) {
    return give_up(Error{.message = "it was to run on this machine, which was ruled out", .remedy = ""});
  }
  if (const auto given = GiveDataDir(plan); !given) {
    return give_up(given.error());
  }
  if (ChangesMachine(plan) && !options.may_change_machine && options.machine == Machine::kShared) {
    return give_up(
        Error{.message = "it changes values of the whole machine, which brink does only when told to",
              .remedy = "run it in a machine of its own: --sandbox vm"});
  }
  LoadWatch(worker);
  std::vector<ImposedFault> proof;
  Report(plan, "taking the machine");
  auto hold = MachineHold::Take(sandbox->SystemRoots(), plan.machine, proof, kMachineWaitS, options.cancel_fd,
                                {.machine = options.machine, .count = CountProcessMappings});
  if (!hold) {
    evidence.faults = std::move(proof);
    evidence.interrupted = Cancelled();
    return give_up(hold.error());
  }
  CaseContext context;
  context.sandbox = sandbox.get();
  context.watch = worker.watch ? &*worker.watch : nullptr;
  context.watch_missing = worker.missing;
  context.hold = &*hold;
  // In a guest, which is thrown away when anything is left, sysctls of an IPC namespace are the machine's.
  context.own_shared_memory = options.machine == Machine::kShared;
  context.default_oom_score_adj = default_oom_score_adj;
  context.cancel_fd = options.cancel_fd;
  context.progress = [&](const std::string& line) { Report(plan, line); };
  CaseResult result = RunCase(plan, std::move(proof), context);
  evidence = std::move(result.evidence);
  worker.spent = std::move(result.groups);
  if (const auto restored = hold->Restore(); !restored) {
    KeepFailure(restored.error());
  }
  return evidence;
}

void Session::State::KeepUnsaved(const std::string& run_dir, const Error& error) {
  spdlog::error("{}", error.message);
  const std::scoped_lock lock(report_mutex);
  unsaved.insert(run_dir);
  saved = saved ? tl::unexpected(error) : saved;
}

Status Session::State::AllSaved() const {
  if (saved) {
    return {};
  }
  Error error = saved.error();
  error.message = fmt::format("the results of {} case{} could not be saved: {}", unsaved.size(),
                              unsaved.size() == 1 ? "" : "s", error.message);
  return tl::unexpected(error);
}

std::vector<Verdict> Session::State::Compared(std::vector<std::optional<Finished>> results) {
  std::vector<Verdict> verdicts;
  std::vector<HostFacts> hosts;
  for (std::optional<Finished>& result : results) {
    if (result) {
      verdicts.push_back(std::move(result->verdict));
      hosts.push_back(std::move(result->host));
    }
  }
  ComparePairs(verdicts);
  for (std::size_t at = 0; at < verdicts.size(); ++at) {
    const bool told_more = verdicts[at].led_by || verdicts[at].slower;
    if (!told_more || unsaved.contains(verdicts[at].run_dir)) {
      continue;
    }
    if (const auto again = SaveVerdict(verdicts[at], hosts[at]); !again) {
      KeepUnsaved(verdicts[at].run_dir, again.error());  // the one without it is there, and true
    }
  }
  return verdicts;
}

Session::State::Finished Session::State::RunOn(Worker& worker, const Plan& wanted) {
  Plan plan = wanted;
  auto begun = MakeFolders(plan);
  // First of all: it marks the folder as a run's, also when brink is killed on the way. Where there is no
  // room for it, its targets would fail for that.
  begun = begun ? SaveFile(plan.run_dir + "/plan.json", PlanToJson(plan)) : begun;
  if (!begun) {
    plan.not_runnable = begun.error().message;
    plan.not_runnable_remedy = begun.error().remedy;
  }
  Evidence evidence = Collect(worker, plan);
  evidence.brink_version = kVersion;
  Verdict verdict = Judge(plan, evidence);
  if (const auto kept = begun ? SaveResults(plan, evidence, verdict) : Status{}; !kept) {
    KeepUnsaved(plan.run_dir, kept.error());
  }
  Tell(plan, verdict, evidence.interrupted);
  RemoveSpent(worker);
  return Finished{
      .verdict = std::move(verdict), .host = std::move(evidence.host), .interrupted = evidence.interrupted};
}

Session::Session() : state_(std::make_unique<State>()) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::Start(SessionOptions options) {
  Session session;
  session.state_->options = std::move(options);
  State& state = *session.state_;
  state.workers.resize(static_cast<std::size_t>(std::max(state.options.jobs, 1)));
  if (!state.options.use_host) {
    auto cgroups = CgroupHost::Discover(state.options.roots);
    if (!cgroups) {
      return tl::unexpected(cgroups.error());
    }
    state.facts = ReadHostFacts(state.options.roots, *cgroups);
    return session;
  }
  auto sandbox = HostSandbox::Start(state.options.roots);
  if (!sandbox) {
    return tl::unexpected(sandbox.error());
  }
  state.sandbox = std::make_unique<HostSandbox>(std::move(*sandbox));
  state.facts = state.sandbox->Facts();
  state.default_oom_score_adj = ProtectSelf(state.options.roots);
  return session;
}

const HostFacts& Session::Host() const { return state_->facts; }

Status Session::PutBack() const { return state_->put_back ? state_->removed : state_->put_back; }

Evidence Session::Collect(Plan& plan) {
  State::Worker& worker = state_->workers.front();
  Evidence evidence = state_->CollectHere(worker, plan);
  evidence.brink_version = kVersion;
  state_->RemoveSpent(worker);
  return evidence;
}

Verdict Session::Run(const Plan& plan) { return state_->RunOn(state_->workers.front(), plan).verdict; }

std::vector<Verdict> Session::RunAll(const std::vector<Plan>& plans) {
  std::vector<std::optional<State::Finished>> results(plans.size());
  if (state_->options.out_dir.empty()) {
    state_->options.out_dir = CommonFolder(plans);
  }
  PlanQueue queue(plans, state_->workers.size() == 1);
  const auto work = [&](State::Worker& worker, bool alone) {
    while (!state_->Cancelled()) {
      const auto index = queue.Take(alone, worker.guest.Spec());
      if (!index) {
        break;
      }
      State::Finished finished = state_->RunOn(worker, plans[*index]);
      if (!finished.interrupted) {
        results[*index] = std::move(finished);
      }
    }
    state_->guests.Release(worker.guest);  // on the thread that started it
  };
  std::vector<std::thread> threads;
  for (std::size_t at = 1; at < state_->workers.size(); ++at) {
    threads.emplace_back([&, at] { work(state_->workers[at], false); });
  }
  work(state_->workers.front(), false);
  for (std::thread& thread : threads) {
    thread.join();
  }
  work(state_->workers.front(), true);
  return state_->Compared(std::move(results));
}

Status Session::Finish() {
  state_->workers.clear();
  if (state_->sandbox != nullptr) {
    if (const auto finished = state_->sandbox->Finish(); !finished) {
      state_->KeepFailure(finished.error());
    }
  }
  return state_->put_back ? state_->AllSaved() : state_->put_back;
}

}  // namespace brink
