// SPDX-License-Identifier: MIT
// The vm sandbox: booting, one more case, memory, and a set of cases. It needs the kernel debian-12 in the
// cache, or the network to fetch it.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "row.h"
#include "runs.h"
#include "sandbox/accelerator.h"
#include "sandbox/cache.h"
#include "sandbox/kernels.h"

namespace brink::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTouch = R"(name: benchmark-boot
processes: {target: {run: [/bin/sh, -c, "echo started >FILE"]}}
)";
constexpr const char* kTrueGuest = R"(name: benchmark-true
processes: {target: {run: [/bin/true], cgroup: {memory.max: 64MiB}}}
)";
constexpr const char* kStay = R"(name: benchmark-stay
processes: {target: {run: [/bin/sh, -c, "echo here >FILE; sleep SECONDS"]}}
)";
/// One line, and off: what the least init does.
constexpr const char* kPlainInit = R"(#!/bin/busybox sh
echo plain-guest-is-up
exec /bin/busybox poweroff -f
)";

GuestKernel Kernel() {
  auto kernel = FindKernel("debian-12");
  return kernel ? *kernel : Must(FetchKernel("debian-12", [](const std::string&) {}));
}

/// A cache of the benchmark's own, with the kernel of the shared one and no saved machines. While it is there
/// guests that brink starts use it.
class OwnCache {
 public:
  enum class Saving { kAllowed, kRefused };

  OwnCache(const Options& options, Saving saving)
      : folder_(fmt::format("{}/cache-{}", options.scratch, ++count)) {
    const GuestKernel kernel = Kernel();
    const std::string shared = Must(CacheFolder());
    (void)ChooseAccelerator();  // its answer is copied, so that no run has to probe again
    before_ = std::getenv("BRINK_CACHE") == nullptr ? "" : std::getenv("BRINK_CACHE");
    fs::create_directories(Own());
    const fs::path folder = fs::canonical(kernel.image).parent_path();
    for (const fs::path& file :
         {fs::path("vmlinux"), fs::path("modules"), fs::path("facts"), fs::path(kernel.initrd).filename()}) {
      fs::copy(folder / file, fs::path(Own()) / file, fs::copy_options::recursive);
    }
    std::error_code code;
    fs::copy_file(shared + "/accelerator", folder_ + "/accelerator", code);
    if (saving == Saving::kRefused) {
      Write(Own() + "/saved", "no folder, so nothing can be kept in it");
    }
    ::setenv("BRINK_CACHE", folder_.c_str(), 1);
  }
  OwnCache(const OwnCache&) = delete;
  OwnCache& operator=(const OwnCache&) = delete;
  ~OwnCache() {
    if (before_.empty()) {
      ::unsetenv("BRINK_CACHE");
    } else {
      ::setenv("BRINK_CACHE", before_.c_str(), 1);
    }
    std::error_code code;
    fs::remove_all(folder_, code);
  }

 private:
  [[nodiscard]] std::string Own() const { return folder_ + "/kernels/debian-12"; }

  static inline int count = 0;
  std::string folder_;
  std::string before_;
};

double SecondsNow() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double ModifiedAt(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    throw Failed(file + " was not written");
  }
  return static_cast<double>(status.st_mtim.tv_sec) + static_cast<double>(status.st_mtim.tv_nsec) * 1e-9;
}

Finished RunBrink(const Options& options, const std::string& scenario, const std::vector<std::string>& more) {
  fs::remove_all(options.scratch + "/runs");
  std::vector<std::string> words{BRINK_PROGRAM, "run", scenario, "--out", options.scratch + "/runs"};
  words.insert(words.end(), more.begin(), more.end());
  const Finished run = RunQuietly(words);
  if (run.exit_code != 0) {
    throw Failed(fmt::format("brink run {} ended with {}", scenario, run.exit_code));
  }
  return run;
}

/// Plain QEMU with the same kernel and accelerator, until the line is there.
class PlainQemu {
 public:
  explicit PlainQemu(const Options& options) : folder_(options.scratch + "/plain"), kernel_(Kernel()) {
    fs::create_directories(folder_ + "/root/bin");
    fs::copy_file("/bin/busybox", folder_ + "/root/bin/busybox", fs::copy_options::overwrite_existing);
    Write(folder_ + "/root/init", kPlainInit);
    fs::permissions(folder_ + "/root/init", fs::perms::owner_all);
    Write(folder_ + "/pack.sh",
          "cd " + folder_ + "/root && find . | busybox cpio -o -H newc >../initrd 2>/dev/null\n");
    Write(folder_ + "/boot.sh",
          fmt::format("timeout 60 qemu-system-x86_64 -accel {} -cpu max -m 2048 -smp 2 -display none -serial "
                      "stdio -no-reboot "
                      "-kernel {} -initrd {}/initrd -append 'console=ttyS0 quiet panic=-1' </dev/null |\n"
                      "while read -r line; do\n"
                      "  case $line in *plain-guest-is-up*) : >{}/up ;; esac\n"
                      "done\n",
                      ChooseAccelerator().name, kernel_.image, folder_, folder_));
    if (RunQuietly({"/bin/sh", folder_ + "/pack.sh"}).exit_code != 0) {
      throw Failed("packing the plain guest's initramfs failed");
    }
  }
  [[nodiscard]] double S() const {
    const double begin = SecondsNow();
    if (RunQuietly({"/bin/sh", folder_ + "/boot.sh"}).exit_code != 0) {
      throw Failed("the plain guest did not run");
    }
    return ModifiedAt(folder_ + "/up") - begin;
  }

 private:
  std::string folder_;
  GuestKernel kernel_;
};

void AwaitFile(const std::string& file) {
  for (int look = 0; look < 6000; ++look) {
    if (fs::exists(file)) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw Failed(file + " did not appear");
}

std::string ReadAll(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Resident anonymous KiB of a QEMU: all of it, and the mapping that is the guest's memory. Pages of files,
/// the kernel's image among them, are the page cache's, which guests share.
struct Resident {
  double all = 0;
  double guest = 0;
};
Resident ResidentOf(const fs::path& process, double guest_kib) {
  Resident resident;
  std::istringstream lines(ReadAll(process / "smaps"));
  double size = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    double value = 0;
    words >> key >> value;
    if (key == "Size:") {
      size = value;
    } else if (key == "Anonymous:") {
      resident.all += value;
      resident.guest += size == guest_kib ? value : 0;
    }
  }
  return resident;
}

Resident ResidentOfGuest(const std::string& folder, double guest_kib) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string words = ReadAll(entry.path() / "cmdline");
    if (words.find("brink-guest") != std::string::npos && words.find("path=" + folder) != std::string::npos) {
      return ResidentOf(entry.path(), guest_kib);
    }
  }
  throw Failed("no QEMU shares " + folder);
}

}  // namespace

std::vector<Row> BenchGuestBoot(const Options& options) {
  const PlainQemu plain(options);
  const std::string scenario = options.scratch + "/boot.yaml";
  const std::string mark = options.scratch + "/runs/benchmark-boot/default/started";
  Write(scenario, Filled(kTouch, "FILE", mark));
  const auto first_target = [&] {
    const double begin = SecondsNow();
    (void)RunBrink(options, scenario, {"--sandbox", "vm"});
    return ModifiedAt(mark) - begin;
  };
  const auto row = [](const std::string& what, const Turns& turns) {
    return Row{
        .what = what,
        .baseline = fmt::format("plain QEMU, busybox printing a line: {:.2f} s", Median(turns.baseline)),
        .brink = fmt::format("{:.2f} s", Median(turns.brink)),
        .figure = Median(turns.brink) / Median(turns.baseline),
        .unit = "x",
        .goal = 1.3,
        .note = "ratios: " + Spread(turns.Ratios(), 2)};
  };
  const OwnCache cache(options, OwnCache::Saving::kAllowed);
  (void)first_target();
  std::vector<Row> rows;
  rows.push_back(row("from brink run to the first target started in a fresh guest",
                     InTurns(
                         options.Rounds(9), [&] { return plain.S(); }, first_target)));
  rows.push_back(row("the same for the first guest of its kind, which boots and is saved",
                     InTurns(
                         options.Rounds(5), [&] { return plain.S(); },
                         [&] {
                           const OwnCache empty(options, OwnCache::Saving::kAllowed);
                           return first_target();
                         })));
  return rows;
}

std::vector<Row> BenchGuestCase(const Options& options) {
  const std::string scenario = options.scratch + "/true.yaml";
  Write(scenario, kTrueGuest);
  constexpr int kMore = 19;
  const auto increment = [&](const char* sandbox) {
    const double one = RunBrink(options, scenario, {"--sandbox", sandbox}).wall_s;
    const double all =
        RunBrink(options, scenario, {"--sandbox", sandbox, "--repeat", std::to_string(1 + kMore)}).wall_s;
    return (all - one) / kMore * 1e3;
  };
  const Turns turns = InTurns(
      options.Rounds(5), [&] { return increment("host"); }, [&] { return increment("vm"); });
  std::ptrdiff_t boots = 0;
  for (const auto& entry : fs::recursive_directory_iterator(options.scratch + "/runs")) {
    boots += entry.path().filename().string().ends_with("-console.log") ? 1 : 0;
  }
  return {Row{.what = "one more case (true) in a warm guest",
              .baseline = fmt::format("on the host: {:.1f} ms", Median(turns.baseline)),
              .brink = fmt::format("{:.0f} ms", Median(turns.brink)),
              .figure = Median(turns.brink) - Median(turns.baseline),
              .unit = "ms",
              .goal = 200,
              .note = "more than on the host, the guest's slowness included; " + Spread(turns.brink, 0)},
          Row{.what = "20 cases with equal settings",
              .baseline = "-",
              .brink = fmt::format("{} boots", boots),
              .figure = static_cast<double>(boots),
              .unit = "x",
              .goal = 1,
              .note = "guests booted"}};
}

std::vector<Row> BenchGuestMemory(const Options& options) {
  const std::string scenario = options.scratch + "/stay.yaml";
  const std::string runs = options.scratch + "/runs";
  const std::string here = runs + "/benchmark-stay/default/here";
  fs::remove_all(runs);
  Write(scenario, Filled(Filled(kStay, "FILE", here), "SECONDS", "8"));
  Resident resident;
  std::thread brink([&] {
    (void)RunQuietly({BRINK_PROGRAM, "run", scenario, "--sandbox", "vm", "--out", runs});
  });
  try {
    AwaitFile(here);
    resident = ResidentOfGuest(runs, 2 << 20);
  } catch (...) {
    brink.join();
    throw;
  }
  brink.join();
  const double beyond = (resident.all - resident.guest) / 1024;
  return {Row{.what = "host memory per guest beyond what the guest uses",
              .baseline = fmt::format("guest: {:.0f} MiB of 2048", resident.guest / 1024),
              .brink = fmt::format("{:.0f} MiB", beyond),
              .figure = beyond,
              .unit = "MiB",
              .goal = 80,
              .note = "anonymous memory of QEMU without the mapping that is the guest's memory"}};
}

/// Cases that change the machine: all of them in shared guests, two at a time, against a guest for each.
std::vector<Row> BenchGuestSet(const Options& options) {
  const std::map<std::string, std::vector<std::string>> all{
      {"ravendb/munmap-enomem.yaml", {"reported", "tuned", "pooled"}},
      {"cortex/tsdb-mmap.yaml", {"reported", "tuned", "fewer-files"}},
      {"fork/snapshot-overcommit.yaml", {"reported", "tuned", "heuristic"}},
      {"mlock/churn.yaml", {"reported", "tuned", "adjacent"}}};
  const std::map<std::string, std::vector<std::string>> smoke{{"mlock/churn.yaml", {"tuned"}}};
  std::vector<std::vector<std::string>> alone_words;
  const std::string folder = options.scratch + "/set";
  fs::create_directories(folder);
  for (const auto& [file, cases] : options.smoke ? smoke : all) {
    const std::string path = folder + "/" + fs::path(file).filename().string();
    fs::copy_file(BRINK_SCENARIOS "/" + file, path, fs::copy_options::overwrite_existing);
    for (const std::string& name : cases) {
      alone_words.push_back({path, "--sandbox", "vm", "--case", name});
    }
  }
  const auto a_minute = [&](double seconds) {
    return 60 * static_cast<double>(alone_words.size()) / seconds;
  };
  const auto each_alone = [&] {
    double seconds = 0;
    for (const auto& words : alone_words) {
      seconds += RunBrink(options, words.front(), {words.begin() + 1, words.end()}).wall_s;
    }
    return a_minute(seconds);
  };
  std::vector<double> gone_on;
  std::vector<double> processor_s;
  const Turns turns = InTurns(
      options.Rounds(2),
      [&] {
        const OwnCache cache(options, OwnCache::Saving::kRefused);
        return each_alone();
      },
      [&] {
        const OwnCache cache(options, OwnCache::Saving::kAllowed);
        (void)RunBrink(options, alone_words.front().front(), {"--sandbox", "vm", "--case", "tuned"});
        std::vector<std::string> words{"--sandbox", "vm", "--jobs", "2"};
        if (options.smoke) {
          words.insert(words.end(), {"--case", "tuned"});
        } else {
          gone_on.push_back(each_alone());
        }
        const Finished shared = RunBrink(options, folder, words);
        processor_s.push_back(shared.cpu_s);
        return a_minute(shared.wall_s);
      });
  return {
      Row{.what = fmt::format("cases a minute, {} cases that change the machine", alone_words.size()),
          .baseline = fmt::format("a guest booted for each case: {:.1f}", Median(turns.baseline)),
          .brink = fmt::format("{:.1f}", Median(turns.brink)),
          .figure = Median(turns.brink) / Median(turns.baseline),
          .unit = "x",
          .goal = 3,
          .at_least = true,
          .note = fmt::format(
              "--jobs 2, which took {:.0f} s of processor time; with a guest for each that goes on from a "
              "saved one: {:.1f}",
              Median(processor_s), Median(gone_on))}};
}

}  // namespace brink::bench
