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
    {"sh", "bash", "dash", "env", "perl", "python", "python3", "sleep", "true", "false", "cat", "timeout"});

std::string FileName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::vector<std::string> NamesOf(const LivingProcess& process) {
  std::vector<std::string> names{process.comm, FileName(process.exe)};
  if (!process.command.empty()) {
    names.push_back(FileName(process.command.front()));
  }
  std::erase_if(names, [](const std::string& name) {
    return name.empty() || std::find(kCarriers.begin(), kCarriers.end(), name) != kCarriers.end();
  });
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

std::string ProgramOf(const std::vector<std::string>& names, const CatalogueEntry& entry) {
  for (const std::string& name : names) {
    const auto same = [&](const std::string& other) { return SameSoftware(name, other); };
    if (std::find(entry.programs.begin(), entry.programs.end(), name) != entry.programs.end() ||
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
    if (near && std::find(entry.binding_limits.begin(), entry.binding_limits.end(), row.limit) !=
                    entry.binding_limits.end()) {
      return &row;
    }
  }
  return nullptr;
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
    const LimitRow* row = NearRow(rows, catalogue[i]);
    if (program.empty() && row == nullptr) {
      continue;
    }
    std::string why = program.empty() ? "" : fmt::format("it is of {}", program);
    const double share = row == nullptr ? 0 : *ShareOf(*row);
    if (row != nullptr) {
      constexpr double kPercent = 100;
      why += fmt::format("{}{} is at {}%", why.empty() ? "" : "; ", row->limit, std::floor(share * kPercent));
    }
    constexpr double kProgram = 2;  // more than any share of one that works
    found.push_back({.incident = {.entry = i, .why = std::move(why)},
                     .rank = (program.empty() ? 0 : kProgram) + std::min(share, 1.0)});
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
