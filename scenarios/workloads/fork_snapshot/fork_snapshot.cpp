// SPDX-License-Identifier: MIT
// fork-snapshot: an in-memory key store (modelled on Redis) that forks to save itself while clients go on
// writing.
#include <fmt/format.h>

#include "common/failure.h"
#include "common/program.h"
#include "common/report.h"
#include "fork_snapshot/server.h"
#include "fork_snapshot/snapshot.h"

namespace {

using namespace workload;

struct Options {
  ServerOptions server;
  std::string verify_snapshot;
  std::string verify_log;
};

Exit VerifySnapshotFile(const std::string& path) {
  const SnapshotContent content = VerifySnapshot(path);
  Report("result", {{"records", content.records}, {"checksum", ChecksumText(content.checksum_sum)}});
  return Exit::kOk;
}

Exit VerifyLogFile(const std::string& path) {
  const AckLogContent content = AckLogContent::Read(path);
  Report("result", {{"writes", content.writes},
                    {"acknowledged", content.acknowledged},
                    {"closed_cleanly", content.closed_cleanly}});
  if (!content.closed_cleanly) {
    throw Failure(Exit::kUnclean,
                  fmt::format("{}: all {} acknowledged writes are there, but the server did not "
                              "shut down cleanly",
                              path, content.acknowledged));
  }
  return Exit::kOk;
}

Exit Run(const Options& options) {
  if (!options.verify_snapshot.empty()) {
    return VerifySnapshotFile(options.verify_snapshot);
  }
  if (!options.verify_log.empty()) {
    return VerifyLogFile(options.verify_log);
  }
  if (options.server.heap < sizeof(StoredRecord)) {
    throw Failure(Exit::kUsage, fmt::format("--heap must be at least {}", sizeof(StoredRecord)));
  }
  Server(options.server).Run();
  return Exit::kOk;
}

void AddOptions(CLI::App& app, Options& options) {
  ServerOptions& server = options.server;
  AddSize(app, "--heap", server.heap, "Memory of the keys and values");
  app.add_flag("--huge-pages", server.huge_pages, "Ask for transparent huge pages (madvise)");
  app.add_option("--writes", server.writes, "Writes before the first snapshot and after each");
  app.add_option("--write-rate", server.write_rate, "Writes per second; 0: as fast as it can");
  app.add_option("--snapshots", server.snapshots, "Snapshots to take");
  AddSize(app, "--snapshot-rate", server.snapshot_rate,
          "Speed of the snapshot's disk per second; 0: as it is");
  AddSize(app, "--backlog", server.backlog, "Memory for writes kept for replicas while a snapshot runs");
  app.add_option("--child-oom-score-adj", server.child_oom_score_adj,
                 "What the snapshot child sets for itself")
      ->check(CLI::Range(-1000, 1000));
  app.add_flag("--child-writes", server.child_writes,
               "The child saves nothing: it writes to every record, as runtimes that count references do");
  app.add_option("--snapshot-file", server.snapshot_file, "Where the snapshot goes");
  app.add_option("--ack-log", server.ack_log, "Acknowledge writes only once they are on disk in this log");
  app.add_option("--seed", server.seed, "Which keys are written");
  app.add_flag("--hold", server.hold, "Serve writes until SIGTERM");
  auto* snapshot = app.add_option("--verify", options.verify_snapshot, "Only check this snapshot");
  app.add_option(
         "--verify-log", options.verify_log,
         "Only check this log: every acknowledged write is there (else status 3) and it was closed cleanly "
         "(else status 4)")
      ->excludes(snapshot);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An in-memory key store that forks to snapshot itself while clients write.", "fork-snapshot");
  Options options;
  AddOptions(app, options);
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
