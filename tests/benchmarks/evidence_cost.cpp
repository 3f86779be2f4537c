// SPDX-License-Identifier: MIT
// What the evidence costs those who are watched: on means loaded, the target registered, events drained and
// figures sampled as in a case; off means that nothing of it is in the kernel.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "row.h"
#include "run/steps.h"
#include "runs.h"

namespace brink::bench {
namespace {

std::string PercentSlower(double off, double on) { return fmt::format("{:.2f} %", (off / on - 1) * 100); }

std::vector<double> MorePercent(std::vector<double> ratios) {
  for (double& ratio : ratios) {
    ratio = (ratio - 1) * 100;
  }
  return ratios;
}

Row RateRow(std::string what, const std::string& unit, const Turns& rates, double goal) {
  const auto ratios = rates.Ratios();
  std::vector<double> slower;
  slower.reserve(ratios.size());
  for (const double ratio : ratios) {
    slower.push_back((1 / ratio - 1) * 100);
  }
  return Row{
      .what = std::move(what),
      .baseline = fmt::format("evidence off: {:.0f} {}", Median(rates.baseline), unit),
      .brink = fmt::format("on: {:.0f} {}", Median(rates.brink), unit),
      .figure = Median(slower),
      .unit = "%",
      .goal = goal,
      .note = fmt::format("median of the rounds' own ratios; {} %; of the medians: {}", Spread(slower, 2),
                          PercentSlower(Median(rates.baseline), Median(rates.brink)))};
}

/// The least that any program on sys_exit costs: the kernel takes every system call of every process by its
/// slow way out, and this returns at once.
class EmptyProgram {
 public:
  EmptyProgram() {
    const std::array<bpf_insn, 2> nothing{{
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    }};
    program_ = UniqueFd(
        bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, nullptr, "GPL", nothing.data(), nothing.size(), nullptr));
    link_ = UniqueFd(program_.Valid() ? bpf_raw_tracepoint_open("sys_exit", program_.Get()) : -1);
    if (!link_.Valid()) {
      Must(Status(FailErrno("attach an empty program to sys_exit", errno)));
    }
  }

 private:
  UniqueFd program_;
  UniqueFd link_;  // its end detaches the program
};

/// A redis-server of its own, ended with this object.
class RedisServer {
 public:
  explicit RedisServer(const std::string& folder) {
    LaunchSpec spec;
    spec.argv = {"/usr/bin/redis-server",
                 "--port",
                 std::to_string(kPort),
                 "--save",
                 "",
                 "--appendonly",
                 "no",
                 "--dir",
                 folder,
                 "--logfile",
                 folder + "/redis.log",
                 "--daemonize",
                 "no"};
    server_ = Must(Launch(spec));
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (!PortAccepts(kPort)) {
      if (Clock::now() > deadline) {
        End(server_);
        throw Failed("redis-server does not accept connections after 20 s");
      }
    }
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() { End(server_); }

  /// SETs per second; adds the processor time of server and client per SET, in us, to `cpu`. The server is
  /// registered by hand, as it was there before the evidence.
  [[nodiscard]] double Rate(int requests, Watch* watch, std::vector<double>& cpu) const {
    if (watch != nullptr) {
      Watch::Registration registration = watch->MakeRegistration(1);
      if (const int error = Watch::RegisterSelf(server_.pid, &registration); error != 0) {
        Must(Status(FailErrno("register redis-server", error)));
      }
    }
    const double before = CpuUs();
    const std::string text = RunAsTarget({"/usr/bin/redis-benchmark", "-p", std::to_string(kPort), "-t",
                                          "set", "-n", std::to_string(requests), "-r", "100000", "--csv"},
                                         watch);
    cpu.push_back((CpuUs() - before) / requests);
    return NumberAfter(text, "\"SET\",");
  }

 private:
  static constexpr int kPort = 16399;

  /// Of the server, and of all clients that have ended.
  [[nodiscard]] double CpuUs() const {
    double server_ns = 0;
    std::ifstream(fmt::format("/proc/{}/schedstat", server_.pid)) >> server_ns;
    rusage clients{};
    ::getrusage(RUSAGE_CHILDREN, &clients);
    const auto in_us = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return server_ns / 1e3 + in_us(clients.ru_utime) + in_us(clients.ru_stime);
  }

  Launched server_;
};

}  // namespace

std::vector<Row> BenchMappingPairs(const Options& options) {
  const std::string pairs = options.smoke ? "1000" : "400000";
  const auto rate = [&](Watch* watch) {
    return NumberAfter(RunAsTarget({BRINK_BENCHMARK_TARGET, "pairs", pairs}, watch), "per_s=");
  };
  const Turns rates = InTurns(
      options.Rounds(24), [&] { return rate(nullptr); },
      [&] {
        Watch watch = Must(Watch::Load());
        return rate(&watch);
      });
  return {RateRow("evidence on, target does only mmap+munmap pairs", "pairs/s", rates, 10)};
}

std::vector<Row> BenchRedis(const Options& options) {
  if (!std::filesystem::exists("/usr/bin/redis-benchmark")) {
    throw Failed("redis-server and redis-tools are not installed (apt-get install redis-server)");
  }
  const RedisServer server(options.scratch);
  const int requests = options.smoke ? 1000 : 60000;
  Turns cpu;
  (void)server.Rate(requests, nullptr, cpu.baseline);  // fills the store
  cpu.baseline.clear();
  std::vector<double> floor;
  const Turns rates = InTurns(
      options.Rounds(60), [&] { return server.Rate(requests, nullptr, cpu.baseline); },
      [&] {
        {
          const EmptyProgram empty;
          (void)server.Rate(requests, nullptr, floor);
        }
        Watch watch = Must(Watch::Load());
        return server.Rate(requests, &watch, cpu.brink);
      });
  Row row = RateRow("evidence on, redis-benchmark SET", "SET/s", rates, 1);
  const auto more = MorePercent(cpu.Ratios());
  const auto least = MorePercent(Turns{.baseline = cpu.baseline, .brink = floor}.Ratios());
  row.note += fmt::format(
      "; processor time of server and client per SET: {:.2f} us off, {:.2f} us on, {:.2f} % more ({}); with "
      "an "
      "empty program on sys_exit alone: {:.2f} us, {:.2f} % more ({})",
      Median(cpu.baseline), Median(cpu.brink), Median(more), Spread(more, 2), Median(floor), Median(least),
      Spread(least, 2));
  return {row};
}

}  // namespace brink::bench
