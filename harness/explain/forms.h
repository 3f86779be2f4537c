// SPDX-License-Identifier: MIT
// What `brink explain` prints.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "catalogue/entry.h"
#include "explain/badness.h"
#include "explain/fitting.h"
#include "explain/nearness.h"
#include "model/living.h"
#include "report/report.h"

namespace brink {

struct Explanation {
  LivingProcess process;
  std::vector<LimitRow> limits;
  std::vector<OomChoice> choices;
  std::vector<FittingIncident> incidents;
};

/// `catalogue`: what FittingIncident::entry is an index of.
[[nodiscard]] Explanation Explain(LivingProcess process, std::span<const CatalogueEntry> catalogue);

[[nodiscard]] std::string FormatExplanationText(const Explanation& explanation,
                                                std::span<const CatalogueEntry> catalogue,
                                                const TextStyle& style);
/// One document: {"process": {"pid", "name", "command", "user_id", "oom_score_adj"}, "limits": [{"limit",
/// "group", "use", "of", "unit", "percent", "binds", "reached", "note", "unknown", "remedy"}], "oom":
/// [{"group", "total_pages", "rule", "oom_group", "never_taken", "candidates": [{"pid", "name", "points",
/// "rss_bytes", "swap_bytes", "page_table_bytes", "oom_score_adj"}]}], "incidents": [{"name", "title", "why",
/// "command"}], "notes"}. "of" null: no limit; "group" null: not a group's, or in "oom" the machine.
[[nodiscard]] std::string FormatExplanationJson(const Explanation& explanation,
                                                std::span<const CatalogueEntry> catalogue);

}  // namespace brink
