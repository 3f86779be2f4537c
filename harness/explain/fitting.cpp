// SPDX-License-Identifier: MIT
#include "explain/fitting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <filesystem>

namespace brink {
namespace {

/// What runs any program says nothing about it.
constexpr auto kCarriers = std::to_array<std::string_view>(
    {"sh", "bash", "dash", "env", "perl", "python", "sleep", "true", "false", "cat", "timeout"});

std::string FileName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

/// "python3.11" is python: what the kernel names is the file that /usr/bin/python3 is a link to.
std::string_view WithoutVersion(std::string_view name) {
  return name.substr(0, name.find_last_not_of("0123456789.-") + 1);
}

/// Programs that are named otherwise than what people know them by.
constexpr auto kAliases = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"beam.smp", "erlang"}, {"beam", "erlang"}, {"mysqld", "mysql"}});

std::vector<std::string> NamesOf(const LivingProcess& process) {
  std::vector<std::string> names{process.comm, FileName(process.exe)};
  if (!process.command.empty()) {
    names.push_back(FileName(process.command.front()));
  }
  std::erase_if(names, [](const std::string& name) {
    return name.empty() ||
           std::find(kCarriers.begin(), kCarriers.end(), WithoutVersion(name)) != kCarriers.end();
  });
  for (const auto& [program, known_as] : kAliases) {
    if (std::find(names.begin(), names.end(), program) != names.end()) {
      names.emplace_back(known_as);
    }
  }
  return names;
}

/// "postgres" is of "postgresql", "redis-server" of "redis"; short words are of nothing but themselves.
bool SameSoftware(const std::string& name, const std::string& software) {
  constexpr std::size_t kShortest = 5;
  return name == software || (std::min(name.size(), software.size()) >= kShortest &&
                              (name.starts_with(software) || software.starts_with(name)));
}

/// Its folder's name is that of a system that was hit; other folders are named after what happens
/// ("victims").
bool NamesASystem(const CatalogueEntry& entry) {
  const auto same_letter = [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) == std::tolower(static_cast<unsigned char>(right));
  };
  return entry.incident && !entry.system.empty() &&
         std::any_of(entry.incident->systems.begin(), entry.incident->systems.end(),
                     [&](const std::string& system) {
                       return std::search(system.begin(), system.end(), entry.system.begin(),
                                          entry.system.end(), same_letter) != system.end();
                     });
}

bool Holds(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Its tags count as names: what runs in `sh -c 'exec .../bin/java "$@"'` is java by its tag alone.
std::string ProgramOf(const std::vector<std::string>& names, const CatalogueEntry& entry) {
  for (const std::string& name : names) {
    const auto same = [&](const std::string& other) { return SameSoftware(name, other); };
    if (Holds(entry.programs, name) || Holds(entry.tags, name) ||
        std::any_of(entry.software.begin(), entry.software.end(), same) ||
        (NamesASystem(entry) && same(entry.system))) {
      return name;
    }
  }
  return "";
}

/// The nearest row that the incident's cases expect to bind; null: none is near.
const LimitRow* NearRow(std::span<const LimitRow> rows, const CatalogueEntry& entry) {
  for (const LimitRow& row : rows) {  // the nearest first
    const bool near = row.enforced && ShareOf(row).value_or(0) >= kNearShare;
    if (near && Holds(entry.binding_limits, row.limit)) {
      return &row;
    }
  }
  return nullptr;
}

/// The nearest row that holds the process up as the incident's cases expect it; null: none does.
const LimitRow* StallRow(const LivingProcess& process, std::span<const LimitRow> rows,
                         const CatalogueEntry& entry) {
  const bool waits = std::any_of(process.memory_groups.begin(), process.memory_groups.end(),
                                 [](const GroupLevel& group) { return group.oom_kill_disabled; });
  if (Holds(entry.tags, "cgroup_v1") && !waits) {
    return nullptr;  // to switch the OOM killer off is the one stall that version 1 has to itself
  }
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const LimitRow& row) {
    return !row.stall.empty() && Holds(entry.stall_limits, row.limit);
  });
  return found == rows.end() ? nullptr : &*found;
}

/// "it is of redis-server; memory.max is at 90%"; the rows may be null.
std::string WhyOf(const std::string& program, const LimitRow* near, const LimitRow* stall) {
  constexpr double kPercent = 100;
  std::string why = program.empty() ? "" : fmt::format("it is of {}", program);
  const auto add = [&](const std::string& more) { why += (why.empty() ? "" : "; ") + more; };
  if (near != nullptr) {
    add(fmt::format("{} is at {}%", near->limit, std::floor(*ShareOf(*near) * kPercent)));
  }
  if (stall != nullptr) {
    add(fmt::format("{}: {}", stall->limit, stall->stall));
  }
  return why;
}

}  // namespace

std::vector<FittingIncident> FittingIncidents(const LivingProcess& process, std::span<const LimitRow> rows,
                                              std::span<const CatalogueEntry> catalogue) {
  struct Ranked {
    FittingIncident incident;
    double rank;
  };
  std::vector<Ranked> found;
  const auto names = NamesOf(process);
  for (std::size_t i = 0; i < catalogue.size(); ++i) {
    const std::string program = ProgramOf(names, catalogue[i]);
    const LimitRow* near = NearRow(rows, catalogue[i]);
    const LimitRow* stall = StallRow(process, rows, catalogue[i]);
    if (program.empty() && near == nullptr && stall == nullptr) {
      continue;
    }
    const double share = stall != nullptr ? 1 : near != nullptr ? std::min(*ShareOf(*near), 1.0) : 0;
    const double both = !program.empty() && share > 0 ? 1 : 0;  // as much as any share
    found.push_back({.incident = {.entry = i, .why = WhyOf(program, near, stall)}, .rank = share + both});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Ranked& a, const Ranked& b) { return a.rank > b.rank; });
  std::vector<FittingIncident> fitting;
  for (Ranked& each : found) {
    if (fitting.size() < kMostFitting) {
      fitting.push_back(std::move(each.incident));
    }
  }
  return fitting;
}

}  // namespace brink
