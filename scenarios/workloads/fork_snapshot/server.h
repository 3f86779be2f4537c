// SPDX-License-Identifier: MIT
// The server: one thread, as in Redis. It serves writes in batches and looks after its snapshot child in
// between.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/checksum.h"
#include "common/latency.h"
#include "common/report.h"
#include "fork_snapshot/ack_log.h"
#include "fork_snapshot/key_store.h"

namespace workload {

struct ServerOptions {
  std::uint64_t heap = 64U << 20U;
  bool huge_pages = false;
  std::uint64_t writes = 10'000;  // before the first snapshot and after each
  std::uint64_t write_rate = 0;   // a second, in batches; 0: as fast as it goes
  std::uint64_t snapshots = 1;
  std::uint64_t snapshot_rate = 0;    // bytes a second; 0: as fast as it goes
  std::uint64_t backlog = 4U << 20U;  // writes kept in memory while a snapshot runs, for replicas; bytes
  std::optional<int> child_oom_score_adj;
  bool child_writes = false;  // instead of saving: to its own copy of each record
  std::string snapshot_file = "dump.snapshot";
  std::string ack_log;  // empty: none
  std::uint64_t seed = 1;
  bool hold = false;
};

class Server {
 public:
  explicit Server(const ServerOptions& options);
  /// Serves until all is done, or with `hold` until SIGTERM; then shuts down cleanly. Throws Failure.
  void Run();

 private:
  void ServeBatch();
  void ServeWrites(std::uint64_t count);
  void KeepToRate();
  void SaveInBackground();
  /// Forks the child; false when that failed, which the server survives.
  bool StartSnapshot();
  [[noreturn]] void BeSnapshotChild();
  /// Looks whether the child has ended, and judges its work.
  void CheckOnChild();
  void AcceptSnapshot();
  void ShutDown();

  ServerOptions options_;
  KeyStore store_;
  std::optional<AckLog> log_;
  Random random_;
  Latency batch_latency_;
  EveryInterval progress_;
  std::vector<StoredRecord> backlog_;
  pid_t child_ = -1;                // -1: no snapshot is running
  std::uint64_t expected_sum_ = 0;  // of the store when the child was forked
  double snapshot_begin_s_ = 0;
  double serving_since_s_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t snapshots_done_ = 0;
  std::uint64_t snapshots_failed_ = 0;
};

}  // namespace workload
