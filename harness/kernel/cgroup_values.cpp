// SPDX-License-Identifier: MIT
// Limits under cgroup v2's names, and what stands for them on v1.
// Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,pids,cpusets}.rst,
// scheduler/sched-bwc.rst.
#include <unistd.h>

#include <algorithm>

#include "base/saturating.h"
#include "kernel/cgroup.h"
#include "kernel/files.h"
#include "kernel/libcgroup.h"
#include "model/fault_table.h"

namespace brink {
namespace {

/// PAGE_COUNTER_MAX in bytes is LONG_MAX rounded down to pages: what v1 shows for "no limit". Anything near
/// it is none.
constexpr std::uint64_t kV1NoLimit = 0x7fffffffffff0000;

/// Where a fault of the table lives on this host.
struct Place {
  std::string controller;
  std::string file;
  CgroupVersion version = CgroupVersion::kNone;
};

Result<Place> Locate(const CgroupHost& host, std::string_view name) {
  const FaultInfo* fault = FindFault(name);
  if (fault == nullptr || fault->scope != FaultScope::kGroup) {
    return Fail(std::string(name) + " is not a limit of a cgroup");
  }
  const auto controller = fault->v2_controller.empty() ? fault->v1_controller : fault->v2_controller;
  const CgroupVersion version = host.VersionOf(controller);
  if (version == CgroupVersion::kNone) {
    return Fail(std::string(name) + ": no cgroup hierarchy has the controller " + std::string(controller));
  }
  if (version == CgroupVersion::kV1 && fault->v1_file.empty()) {
    return Fail(std::string(name) + " needs cgroup v2; this host has the controller " +
                    std::string(controller) + " on v1",
                "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all, or use --sandbox vm");
  }
  if (version == CgroupVersion::kV2 && fault->v2_controller.empty()) {
    return Fail(std::string(name) + " needs cgroup v1; this host has the controller " +
                    std::string(controller) + " on v2",
                "boot with systemd.unified_cgroup_hierarchy=0, or use --sandbox vm");
  }
  return Place{.controller = std::string(controller),
               .file = std::string(version == CgroupVersion::kV1 ? fault->v1_file : fault->name),
               .version = version};
}

std::string WithoutLimit(const std::optional<std::uint64_t>& value) {
  return !value || *value >= kV1NoLimit ? "max" : std::to_string(*value);
}

/// Writing values of one group, with errors that say why the kernel refused.
class Writer {
 public:
  Writer(const CgroupHost& host, const std::string& path, Place place)
      : path_(path), place_(std::move(place)), directory_(host.Directory(place_.controller, path) + "/") {}

  [[nodiscard]] bool InController() const { return ::access(directory_.c_str(), F_OK) == 0; }
  [[nodiscard]] const std::string& Directory() const { return directory_; }

  [[nodiscard]] Status Write(const std::string& file, const std::string& value) const {
    auto status = LibcgroupSet(path_, place_.controller, file, value);
    if (!status) {
      return tl::unexpected(Explain(file, status.error()));
    }
    return {};
  }

  /// v1 keeps limit <= memory + swap limit at every moment, so the order depends on the direction.
  [[nodiscard]] Status WriteV1Memory(std::optional<std::uint64_t> limit,
                                     std::optional<std::uint64_t> both) const {
    const auto text = [](const std::optional<std::uint64_t>& value) {
      return value ? std::to_string(*value) : std::string("-1");
    };
    const auto both_now = ReadNumber(directory_ + kBoth);
    if (!both_now) {
      return Write(kLimit, text(limit));  // a kernel without swap accounting
    }
    if (both == (*both_now < kV1NoLimit ? both_now : std::nullopt)) {
      return Write(kLimit, text(limit));
    }
    const bool raise_both = !both || *both > *both_now;
    if (raise_both) {
      if (auto status = Write(kBoth, text(both)); !status) {
        return status;
      }
    }
    if (auto status = Write(kLimit, text(limit)); !status) {
      return status;
    }
    return raise_both ? Status{} : Write(kBoth, text(both));
  }

  [[nodiscard]] std::optional<std::uint64_t> V1(const char* file) const {
    const auto value = ReadNumber(directory_ + file);
    return value && *value < kV1NoLimit ? value : std::nullopt;
  }

  static constexpr const char* kLimit = "memory.limit_in_bytes";
  static constexpr const char* kBoth = "memory.memsw.limit_in_bytes";

 private:
  [[nodiscard]] Error Explain(const std::string& file, Error error) const {
    if (error.code == EBUSY && (file == kLimit || file == kBoth)) {
      const auto use = ReadNumber(directory_ + "memory.usage_in_bytes");
      error.message += ": the group uses " + std::to_string(use.value_or(0)) +
                       " bytes, and the kernel could not reclaim enough";
      error.remedy =
          "choose a limit above what cannot be reclaimed (anonymous memory without swap), or lower it "
          "earlier; "
          "cgroup v1 refuses where v2 would kill";
    } else if (error.code == EINVAL) {
      error.remedy = "the kernel refuses this value for " + file;
    }
    return error;
  }

  const std::string& path_;
  Place place_;
  std::string directory_;
};

Status SetV1MemoryMax(const Writer& writer, std::string_view value) {
  const auto limit_now = writer.V1(Writer::kLimit);
  const auto both_now = writer.V1(Writer::kBoth);
  const auto limit = ParseNumber(value);
  // What memory.swap.max granted stays granted.
  const std::optional<std::uint64_t> both =
      limit && limit_now && both_now ? std::optional(*limit + (*both_now - *limit_now)) : std::nullopt;
  return writer.WriteV1Memory(limit, both);
}

Status SetV1SwapMax(const Writer& writer, std::string_view value) {
  const auto limit = writer.V1(Writer::kLimit);
  const auto swap = ParseNumber(value);
  if (swap && !limit) {
    return Fail("memory.swap.max needs memory.max on cgroup v1, which limits the sum of both",
                "set memory.max too");
  }
  if (!ReadNumber(writer.Directory() + Writer::kBoth)) {
    return Fail("memory.swap.max: this kernel does not account swap", "boot with swapaccount=1");
  }
  return writer.WriteV1Memory(limit, swap ? std::optional(*limit + *swap) : std::nullopt);
}

Status SetV1CpuMax(const Writer& writer, std::string_view value) {
  const auto parts = Split(value, ' ');
  if (parts.empty() || parts.size() > 2) {
    return Fail("cpu.max " + std::string(value) + ": expected QUOTA PERIOD in microseconds, or max");
  }
  // No quota while the period changes: the kernel refuses a pair that would exceed the parent's share in
  // between.
  if (auto status = writer.Write("cpu.cfs_quota_us", "-1"); !status) {
    return status;
  }
  if (parts.size() == 2) {
    if (auto status = writer.Write("cpu.cfs_period_us", std::string(parts[1])); !status) {
      return status;
    }
  }
  return parts[0] == "max" ? Status{} : writer.Write("cpu.cfs_quota_us", std::string(parts[0]));
}

Result<std::string> GetV1CpuMax(const std::string& directory) {
  const auto quota = ReadSmallFile(directory + "/cpu.cfs_quota_us");
  const auto period = ReadSmallFile(directory + "/cpu.cfs_period_us");
  if (!quota || !period) {
    return tl::unexpected(quota ? period.error() : quota.error());
  }
  return (*quota == "-1" ? "max" : *quota) + " " + *period;
}

Result<std::string> GetV1Memory(const std::string& directory, std::string_view name,
                                const std::string& file) {
  const auto text = ReadSmallFile(directory + "/" + file);
  if (!text) {
    return tl::unexpected(text.error());
  }
  if (name == "memory.oom_kill_disable") {
    return std::to_string(FindNumber(*text, "oom_kill_disable").value_or(0));
  }
  const auto value = ParseNumber(*text);
  if (name == "memory.swap.max" && value && *value < kV1NoLimit) {
    const auto limit = ReadNumber(directory + "/" + Writer::kLimit).value_or(0);
    return std::to_string(*value - std::min(*value, limit));
  }
  return WithoutLimit(value);
}

/// "full avg10=0.00 avg60=0.00 avg300=0.00 total=123456": the total, in microseconds.
std::optional<double> FullStall(const std::string& path) {
  const auto text = ReadSmallFile(path);
  const std::size_t line = text ? text->find("full ") : std::string::npos;
  const std::size_t at = line == std::string::npos ? line : text->find("total=", line);
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const auto total = ParseNumber(std::string_view(*text).substr(at + std::string_view("total=").size()));
  return total ? std::optional(static_cast<double>(*total) / 1e6) : std::nullopt;
}

}  // namespace

Status Cgroup::Set(std::string_view name, std::string_view value) {
  auto place = Locate(*host_, name);
  if (!place) {
    return tl::unexpected(place.error());
  }
  const bool v1 = place->version == CgroupVersion::kV1;
  const std::string file = place->file;
  const std::string controller = place->controller;
  const Writer writer(*host_, path_, std::move(*place));
  if (!writer.InController()) {
    return Fail(std::string(name) + ": group " + path_ + " was made without the controller " + controller,
                "give the limit a starting value in the scenario, so that the group is made with it");
  }
  if (!v1) {
    return writer.Write(file, std::string(value));
  }
  if (name == "memory.max") {
    return SetV1MemoryMax(writer, value);
  }
  if (name == "memory.swap.max") {
    return SetV1SwapMax(writer, value);
  }
  if (name == "cpu.max") {
    return SetV1CpuMax(writer, value);
  }
  const bool lift_memory = controller == "memory" && value == "max";
  return writer.Write(file, lift_memory ? "-1" : std::string(value));
}

Result<std::string> Cgroup::Get(std::string_view name) const {
  const auto place = Locate(*host_, name);
  if (!place) {
    return tl::unexpected(place.error());
  }
  const std::string directory = host_->Directory(place->controller, path_);
  if (place->version == CgroupVersion::kV1 && name == "cpu.max") {
    return GetV1CpuMax(directory);
  }
  if (place->version == CgroupVersion::kV1 && place->controller == "memory") {
    return GetV1Memory(directory, name, place->file);
  }
  return ReadSmallFile(directory + "/" + place->file);
}

CgroupCounters Cgroup::Counters() {
  CgroupCounters counters;
  const std::string memory = host_->Directory("memory", path_) + "/";
  const std::string pids = host_->Directory("pids", path_) + "/";
  const auto limit = [](std::optional<std::uint64_t> value) {
    return value && *value < kV1NoLimit ? value : std::nullopt;
  };
  if (host_->MemoryVersion() == CgroupVersion::kV1) {
    counters.memory_use = ReadNumber(memory + "memory.usage_in_bytes");
    counters.memory_limit = limit(ReadNumber(memory + Writer::kLimit));
    counters.memory_peak = ReadNumber(memory + "memory.max_usage_in_bytes");
    counters.limit_hits = ReadNumber(memory + "memory.failcnt");
    if (const auto oom = ReadSmallFile(memory + "memory.oom_control")) {
      counters.oom_kills = FindNumber(*oom, "oom_kill");  // from 4.13 on
      if (const auto under_oom = FindNumber(*oom, "under_oom")) {
        counters.under_oom = *under_oom != 0;
      }
    }
  } else {
    counters.memory_use = ReadNumber(memory + "memory.current");
    counters.memory_limit = ReadNumber(memory + "memory.max");  // "max" is no number: absent
    counters.memory_peak = ReadNumber(memory + "memory.peak");  // from 5.19 on
    if (const auto events = ReadSmallFile(memory + "memory.events")) {
      counters.oom_kills = FindNumber(*events, "oom_kill");
      counters.limit_hits = FindNumber(*events, "max");
      counters.throttled_high = FindNumber(*events, "high");
    }
  }
  most_memory_read_ = std::max(most_memory_read_, counters.memory_use.value_or(0));
  if (!counters.memory_peak && most_memory_read_ > 0) {
    counters.memory_peak = most_memory_read_;
  }
  counters.pids_use = ReadNumber(pids + "pids.current");
  if (const auto events = ReadSmallFile(pids + "pids.events")) {
    counters.pids_refused = FindNumber(*events, "max");
  }
  return counters;
}

CgroupStat Cgroup::Stat() const {
  const std::string memory = host_->Directory("memory", path_) + "/";
  const bool v1 = host_->MemoryVersion() == CgroupVersion::kV1;
  CgroupStat result;
  if (const auto stat = ReadSmallFile(memory + "memory.stat")) {
    const auto value = [&](const std::string& name) {
      return FindNumber(*stat, v1 ? "total_" + name : name);
    };
    result.shmem_bytes = value("shmem");
    if (const auto cache = value(v1 ? "cache" : "file"); cache && result.shmem_bytes) {
      result.file_bytes = SaturatingDifference(*cache, *result.shmem_bytes);
    }
    result.refaulted_pages =
        value("workingset_refault_file").value_or(0) + value("workingset_refault_anon").value_or(0);
  }
  result.stalled_s = FullStall(memory + "memory.pressure");
  return result;
}

}  // namespace brink
