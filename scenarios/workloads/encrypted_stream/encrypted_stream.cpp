// SPDX-License-Identifier: MIT
// encrypted-stream: a document database with encryption at rest (modelled on RavenDB's) under streaming
// queries.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/latency.h"
#include "common/program.h"
#include "common/report.h"
#include "common/stop.h"
#include "common/threads.h"
#include "encrypted_stream/buffers.h"
#include "encrypted_stream/page_file.h"
#include "encrypted_stream/query.h"

namespace {

using namespace workload;

struct Options {
  std::string file = "encrypted-stream.pages";
  bool reuse = false;
  std::uint64_t pages = 2048;
  std::uint64_t seed = 1;
  std::string buffers = "mmap";
  std::uint64_t pool_size = 0;
  std::uint64_t live_buffers = 1024;
  std::uint64_t small_live = 100'000;
  unsigned concurrency = 2;
  bool hold = false;
  QueryLoad load;
};

/// Runs every query in its own thread.
class QueryCrew {
 public:
  QueryCrew(const PageFile& file, BufferSource& buffers, const Options& options) {
    QueryLoad load = options.load;
    load.live_buffers = std::max<std::uint64_t>(options.live_buffers / options.concurrency, 1);
    load.small_live = options.small_live / options.concurrency;
    for (unsigned i = 0; i < options.concurrency; ++i) {
      queries_.push_back(std::make_unique<Query>(file, buffers, totals_, load, options.seed * 1000 + i));
    }
  }

  void Run() {
    EveryInterval progress;
    const auto page_done = [&](std::chrono::steady_clock::time_point now) {
      if (progress.Due(now)) {
        Report("progress", {{"pages_read", Pages()}, {"page_latency_us", PageLatency().ToJson()}});
      }
    };
    RunInThreads(queries_.size(), totals_.abandoned, [&](std::size_t i) { queries_[i]->Run(page_done); });
  }

  [[nodiscard]] std::uint64_t Pages() const { return totals_.pages; }
  [[nodiscard]] std::uint64_t ReleaseFailures() const { return totals_.release_failures; }
  [[nodiscard]] std::uint64_t ChecksumSum() const {
    std::uint64_t sum = 0;
    for (const auto& query : queries_) {
      sum += query->ChecksumSum();
    }
    return sum;
  }
  [[nodiscard]] Latency PageLatency() const {
    Latency all;
    for (const auto& query : queries_) {
      all.Merge(query->PageLatency());
    }
    return all;
  }

 private:
  QueryTotals totals_;
  std::vector<std::unique_ptr<Query>> queries_;
};

void CheckOptions(const Options& options) {
  if (options.pages == 0 || options.concurrency == 0 || options.live_buffers < options.concurrency) {
    throw Failure(Exit::kUsage,
                  "--pages and --concurrency must be at least 1, --live-buffers at least --concurrency");
  }
  if (options.load.small_max == 0 || options.load.small_max >= kPageContentSize) {
    throw Failure(Exit::kUsage, fmt::format("--small-max must be 1 to {}", kPageContentSize - 1));
  }
}

Exit Run(const Options& options) {
  CheckOptions(options);
  const PageFile file = options.reuse ? PageFile::Open(options.file)
                                      : PageFile::Create(options.file, options.pages, options.seed);
  const std::uint64_t pool_size =
      options.pool_size == 0 ? options.live_buffers * kBufferSize : options.pool_size;
  const std::unique_ptr<BufferSource> buffers = MakeBufferSource(options.buffers, pool_size);
  QueryCrew crew(file, *buffers, options);
  Report("ready",
         {{"pages", file.Pages()}, {"buffers", options.buffers}, {"live_buffers", options.live_buffers}});
  const double begin = SecondsSinceStart();
  crew.Run();
  const double elapsed = SecondsSinceStart() - begin;
  if (options.hold) {
    Report("idle");
    PauseFor(std::nullopt);
  }
  Report("result", {{"buffers", options.buffers},
                    {"pages_read", crew.Pages()},
                    {"pages_per_s", static_cast<double>(crew.Pages()) / elapsed},
                    {"checksum", ChecksumText(crew.ChecksumSum())},
                    {"page_latency_us", crew.PageLatency().ToJson()},
                    {"release_failures", crew.ReleaseFailures()}});
  if (crew.ReleaseFailures() > 0) {
    throw Failure(Exit::kUnmapFailed,
                  fmt::format("{} of {} buffers could not be given back ({} failed)", crew.ReleaseFailures(),
                              crew.Pages(), buffers->ReleaseCall()));
  }
  return Exit::kOk;
}

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--file", options.file,
                 "The page file; its key is kept in FILE.key. Empty: a file in memory");
  app.add_flag("--reuse", options.reuse, "Read the file as it is instead of making it anew");
  app.add_option("--pages", options.pages, "Pages of 8 KiB in the file");
  app.add_option("--seed", options.seed, "Content of the file and course of the queries");
  app.add_option("--buffers", options.buffers, "Where locked buffers come from")
      ->check(CLI::IsMember({"mmap", "posix_memalign", "pool"}));
  AddSize(app, "--pool-size", options.pool_size,
          "Size of the pool's arena; 0: as large as the live buffers need");
  app.add_option("--concurrency", options.concurrency, "Streaming queries at a time, a thread each")
      ->check(CLI::Range(1, 1024));
  app.add_option("--live-buffers", options.live_buffers,
                 "Locked buffers of all queries at the height of their transactions");
  app.add_option("--rounds", options.load.rounds, "Transactions of each query");
  app.add_option("--kept", options.load.kept_percent,
                 "Percentage of buffers that outlive their transaction by one")
      ->check(CLI::Range(0, 99));
  app.add_option("--release", options.load.release, "Order in which buffers go")
      ->check(CLI::IsMember({"random", "alternate", "fifo"}));
  app.add_option("--small-allocations", options.load.small_allocations,
                 "Result rows on the heap for each page");
  app.add_option("--small-max", options.load.small_max, "Largest row in bytes");
  app.add_option("--small-live", options.small_live, "Rows of all queries that are held at a time");
  app.add_flag("--hold", options.hold, "When the queries are done, stay until SIGTERM");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An encrypted page store under streaming queries that decrypt into locked buffers.",
               "encrypted-stream");
  Options options;
  AddOptions(app, options);
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
