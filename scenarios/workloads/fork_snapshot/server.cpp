// SPDX-License-Identifier: MIT
#include "fork_snapshot/server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "common/failure.h"
#include "common/stop.h"
#include "fork_snapshot/snapshot.h"

namespace workload {
namespace {

constexpr std::uint64_t kWritesPerBatch = 128;

void SetOwnOomScoreAdj(int value) {
  const std::string text = std::to_string(value);
  File::Create("/proc/self/oom_score_adj").Append(std::as_bytes(std::span(text)));
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(options), store_(options.heap, options.huge_pages), random_(options.seed) {
  if (!options_.ack_log.empty()) {
    log_.emplace(options_.ack_log);
  }
}

void Server::Run() {
  Report("ready", {{"keys", store_.Keys()}, {"heap_bytes", options_.heap}});
  serving_since_s_ = SecondsSinceStart();
  ServeWrites(options_.writes);
  for (std::uint64_t i = 0; i < options_.snapshots && !StopRequested(); ++i) {
    SaveInBackground();
    ServeWrites(options_.writes);
  }
  while (options_.hold && !StopRequested()) {
    ServeBatch();
  }
  ShutDown();
}

void Server::ServeWrites(std::uint64_t count) {
  for (const std::uint64_t end = writes_ + count; writes_ < end && !StopRequested();) {
    ServeBatch();
  }
}

void Server::ServeBatch() {
  {
    const Timed timed(batch_latency_);
    for (std::uint64_t i = 0; i < kWritesPerBatch; ++i) {
      const StoredRecord& record = store_.Write(random_.Below(store_.Keys()));
      if (log_) {
        log_->Add(record);
      }
      if (child_ > 0 && (backlog_.size() + 1) * sizeof record <= options_.backlog) {
        backlog_.push_back(record);
      }
    }
    if (log_) {
      log_->Acknowledge();
    }
    writes_ += kWritesPerBatch;
  }
  if (progress_.Due()) {
    Report("progress", {{"writes", writes_},
                        {"acknowledged", log_ ? log_->Acknowledged() : writes_},
                        {"batch_latency_us", batch_latency_.ToJson()}});
  }
  KeepToRate();
}

void Server::KeepToRate() {
  if (options_.write_rate > 0) {
    const double due_s = static_cast<double>(writes_) / static_cast<double>(options_.write_rate);
    const double early_s = serving_since_s_ + due_s - SecondsSinceStart();
    if (early_s > 0) {
      PauseFor(std::chrono::nanoseconds(static_cast<std::int64_t>(early_s * 1e9)));
    }
  }
}

void Server::SaveInBackground() {
  if (!StartSnapshot()) {
    return;
  }
  while (child_ > 0 && !StopRequested()) {
    ServeBatch();
    CheckOnChild();
  }
}

bool Server::StartSnapshot() {
  expected_sum_ = store_.ChecksumSum();
  snapshot_begin_s_ = SecondsSinceStart();
  backlog_.reserve(options_.backlog / sizeof(StoredRecord));
  child_ = ::fork();
  if (child_ == 0) {
    BeSnapshotChild();
  }
  if (child_ < 0) {
    const int code = errno;
    fmt::print(stderr, "Can't save in background: fork: {}\n", ::strerrordesc_np(code));
    ++snapshots_failed_;
    Report("snapshot_failed", {{"call", "fork"}, {"errno", ::strerrorname_np(code)}});
    return false;
  }
  Report("snapshot_started", {{"pid", child_}});
  return true;
}

void Server::BeSnapshotChild() {
  ::signal(SIGTERM, SIG_DFL);
  ::prctl(PR_SET_NAME, "snapshot-child");
  try {
    if (options_.child_oom_score_adj) {
      SetOwnOomScoreAdj(*options_.child_oom_score_adj);
    }
    if (options_.child_writes) {
      MarkRecords(store_, options_.snapshot_rate);
    } else {
      WriteSnapshot(options_.snapshot_file, store_, options_.snapshot_rate);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "Background saving: {}\n", error.what());
    ::_exit(static_cast<int>(Exit::kFailed));
  }
  ::_exit(static_cast<int>(Exit::kOk));
}

void Server::CheckOnChild() {
  int status = 0;
  if (::waitpid(child_, &status, WNOHANG) != child_) {
    return;
  }
  child_ = -1;
  backlog_.clear();
  backlog_.shrink_to_fit();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    AcceptSnapshot();
    return;
  }
  ++snapshots_failed_;
  const std::string why = WIFSIGNALED(status) ? fmt::format("terminated by signal {}", WTERMSIG(status))
                                              : fmt::format("failed with status {}", WEXITSTATUS(status));
  fmt::print(stderr, "Background saving {}\n", why);
  Report("snapshot_failed", {{"child", why}});
}

void Server::AcceptSnapshot() {
  const double duration_s = SecondsSinceStart() - snapshot_begin_s_;
  if (options_.child_writes) {
    ++snapshots_done_;
    Report("snapshot_done", {{"duration_s", duration_s}});
    return;
  }
  const SnapshotContent content = VerifySnapshot(options_.snapshot_file);
  if (content.records != store_.Keys() || content.checksum_sum != expected_sum_) {
    FailCorrupt(fmt::format("{} is not the store as it was at the fork", options_.snapshot_file));
  }
  ++snapshots_done_;
  Report("snapshot_done", {{"duration_s", duration_s},
                           {"records", content.records},
                           {"checksum", ChecksumText(content.checksum_sum)}});
}

void Server::ShutDown() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }
  if (log_) {
    log_->CloseCleanly();
  }
  store_.Verify();
  Report("result", {{"writes", writes_},
                    {"acknowledged", log_ ? log_->Acknowledged() : writes_},
                    {"checksum", ChecksumText(store_.ChecksumSum())},
                    {"snapshots_done", snapshots_done_},
                    {"snapshots_failed", snapshots_failed_},
                    {"batch_latency_us", batch_latency_.ToJson()}});
}

}  // namespace workload
