// SPDX-License-Identifier: MIT
// tsdb-mmap: a time series store (modelled on Prometheus and Cortex) of many small memory-mapped files.
#include <fmt/format.h>

#include <optional>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/latency.h"
#include "common/program.h"
#include "common/report.h"
#include "common/stop.h"
#include "tsdb_mmap/store.h"

namespace {

using namespace workload;

struct Options {
  std::string dir = "tsdb";
  bool reuse = false;
  StoreShape shape;
  std::uint64_t queries = 5000;
  std::uint64_t compactions = 1;
  std::uint64_t compact = 100;
  std::uint64_t merge = 8;
  bool hold = false;
};

/// What the queries of all openings have done.
struct QueryLog {
  explicit QueryLog(std::uint64_t seed) : random(seed) {}
  Random random;
  Latency latency;
  std::uint64_t checksum = 0;
};

void RunQueries(const Store& store, std::uint64_t count, QueryLog& log) {
  EveryInterval progress;
  for (std::uint64_t i = 0; i < count && !StopRequested(); ++i) {
    {
      const Timed timed(log.latency);
      log.checksum += store.Query(log.random);
    }
    if (progress.Due()) {
      Report("progress", {{"queries", log.latency.Count()}, {"query_latency_us", log.latency.ToJson()}});
    }
  }
}

/// Opens the store and queries it; returns it open.
Store Serve(const Options& options, QueryLog& log) {
  Store store = Store::Open(options.dir);
  Report("ready", {{"blocks", store.BlockCount()}, {"mapped_files", store.Mappings()}});
  RunQueries(store, options.queries, log);
  return store;
}

void CheckOptions(const Options& options) {
  const StoreShape& shape = options.shape;
  if (shape.blocks == 0 || shape.chunk_files == 0 || shape.series_per_file == 0 ||
      shape.samples_per_record == 0) {
    throw Failure(Exit::kUsage, "--blocks, --chunk-files, --series and --samples must be at least 1");
  }
  if (options.merge < 2) {
    throw Failure(Exit::kUsage, "--merge must be at least 2");
  }
}

Exit Run(const Options& options) {
  CheckOptions(options);
  if (!options.reuse) {
    Store::Create(options.dir, options.shape);
  }
  QueryLog log(options.shape.seed);
  std::optional<Store> store = Serve(options, log);
  const std::uint64_t sum = store->ChecksumSum();
  for (std::uint64_t i = 0; i < options.compactions && !StopRequested(); ++i) {
    store->Compact(options.compact, options.merge);
    store.reset();  // while both were open, every file would be mapped twice
    store = Serve(options, log);
    if (store->ChecksumSum() != sum) {
      FailCorrupt("the store does not hold the same samples after compaction");
    }
  }
  if (options.hold) {
    PauseFor(std::nullopt);
  }
  Report("result", {{"blocks", store->BlockCount()},
                    {"mapped_files", store->Mappings()},
                    {"checksum", ChecksumText(sum)},
                    {"query_checksum", ChecksumText(log.checksum)},
                    {"query_latency_us", log.latency.ToJson()}});
  return Exit::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A time series store of many small memory-mapped block and WAL files.", "tsdb-mmap");
  Options options;
  app.add_option("--dir", options.dir, "Folder of the store");
  app.add_flag("--reuse", options.reuse, "Open what is there instead of writing a new store");
  app.add_option("--blocks", options.shape.blocks, "Blocks of a new store");
  app.add_option("--chunk-files", options.shape.chunk_files, "Chunk files of each block, beside its index");
  app.add_option("--series", options.shape.series_per_file, "Series in each chunk file and WAL segment");
  app.add_option("--samples", options.shape.samples_per_record, "Samples of each series");
  app.add_option("--wal-segments", options.shape.wal_segments, "Write-ahead log segments of a new store");
  app.add_option("--seed", options.shape.seed, "Content of a new store and course of the queries");
  app.add_option("--queries", options.queries, "Queries after each opening");
  app.add_option("--compactions", options.compactions, "How often to compact and open again");
  app.add_option("--compact", options.compact, "Blocks, the oldest first, that a compaction takes");
  app.add_option("--merge", options.merge, "Blocks that a compaction makes into one");
  app.add_flag("--hold", options.hold, "Stay open until SIGTERM");
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
