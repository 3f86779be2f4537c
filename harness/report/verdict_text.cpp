// SPDX-License-Identifier: MIT
// One verdict in words.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "model/json.h"
#include "report/report.h"
#include "report/text.h"

namespace brink {
namespace {

std::string CaseName(const Verdict& verdict) {
  std::string name = Printable(verdict.scenario) + "/" + Printable(verdict.case_name);
  name += verdict.repeat > 1 ? fmt::format(" #{}", verdict.repeat) : "";
  return verdict.guest_kernel.empty() ? name : fmt::format("{} ({})", name, PlaceOf(verdict));
}

/// What was found, without the sentence that tells why where the verdict's reason has it already.
std::string Found(const ExpectationResult& result, const Verdict& verdict) {
  const auto colon = result.found.find(": ");
  const bool told = result.what == "outcome" && colon != std::string::npos &&
                    verdict.reason.find(result.found.substr(colon + 2)) != std::string::npos;
  return told ? result.found.substr(0, colon) : result.found;
}

std::string DescribeExpectation(const ExpectationResult& result, const Verdict& verdict) {
  return fmt::format("{} {}{}: expected {}, found {}", Printable(result.subject), Printable(result.what),
                     result.met ? "" : " (cannot be judged)", Printable(result.expected),
                     Printable(Found(result, verdict)));
}

std::string Mark(const SourceMark& mark) {
  return mark.file.empty() || mark.line == 0 ? ""
                                             : fmt::format("{}:{}:{}: ", mark.file, mark.line, mark.column);
}

/// Of a panic's report, what the reason and the calls behind it are not (arch/x86/kernel/dumpstack.c): where
/// the processor stood, in numbers.
bool IsRegisters(std::string_view line) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"CPU:", "Hardware name:", "RIP:", "RSP:", "RAX:", "RDX:", "RBP:", "R10:", "R13:", "ORIG_RAX:", "Code:",
       "FS:", "CS:", "CR2:", "DR0:", "DR3:", "PKRU:"});
  const std::size_t stamp = line.starts_with('[') ? line.find("] ") : std::string_view::npos;
  line.remove_prefix(stamp == std::string_view::npos ? 0 : stamp + 2);
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return line.starts_with(name); });
}

/// The last lines; of a kernel that panicked, why it did and by which calls.
std::vector<std::string> MostTelling(const std::vector<std::string>& console, std::size_t most) {
  const auto panic = std::find_if(console.begin(), console.end(), [](const std::string& line) {
    return line.find("Kernel panic - not syncing") != std::string::npos;
  });
  if (panic == console.end()) {
    return {console.end() - static_cast<std::ptrdiff_t>(std::min(console.size(), most)), console.end()};
  }
  std::vector<std::string> lines;
  std::remove_copy_if(panic, console.end(), std::back_inserter(lines), IsRegisters);
  lines.resize(std::min(lines.size(), most));
  return lines;
}

/// What a lost guest said last; the whole of it is in the run's folder.
std::string LastWords(const Verdict& verdict, const TextStyle& style) {
  constexpr std::size_t kConsoleLines = 8;
  constexpr std::string_view kMargin = "    | ";
  if (!verdict.guest || verdict.guest->console.empty()) {
    return "";
  }
  std::string text = "  the last of its console:\n";
  const auto room = static_cast<std::size_t>(std::max(style.width, 40)) - kMargin.size();
  for (const std::string& line : MostTelling(verdict.guest->console, kConsoleLines)) {
    text += std::string(kMargin) + CutTo(Printable(line), room) + "\n";
  }
  return text;
}

/// Of a guest whose slowness may have to do with the outcome.
std::string Slowness(const Verdict& verdict, const TextStyle& style) {
  constexpr double kWorthTelling = 1.5;
  const bool may_matter = verdict.expected_met != true || verdict.outcome == Outcome::kHung;
  if (!verdict.guest || verdict.guest->time_scale <= kWorthTelling || !may_matter) {
    return "";
  }
  return Wrapped(
             fmt::format(
                 "the guest ({}) was {:.1f} times slower than this host, and timeouts were as much longer",
                 Printable(verdict.guest->accelerator), verdict.guest->time_scale),
             style, 2, 4) +
         "\n";
}

/// "evidence: kernel; munmap ENOMEM 6,023 times; 1 OOM kill; peak 4,000 mappings" : what there is.
std::string EvidenceLine(const Verdict& verdict) {
  std::string text = fmt::format("grade {}", Name(verdict.grade));
  for (const FailureCount& each : verdict.failures) {
    text += fmt::format("; {}: {} {} x{}", Printable(each.process), each.call, each.errno_name,
                        FormatCount(each.count));
  }
  for (const OomKill& kill : verdict.oom_kills) {
    const std::string who =
        kill.process.empty() ? Printable(kill.comm) + ", not of this case" : Printable(kill.process);
    text += fmt::format("; {} (pid {}) OOM-killed{} at {:.2f} s", who, kill.pid,
                        kill.scope.empty() ? "" : " by " + kill.scope, kill.t_s);
  }
  const LeftOut& left_out = verdict.left_out;
  if (left_out.failed_calls + left_out.signals + left_out.oom_kills > 0) {
    text += fmt::format("; too many to keep: {} of failing calls, {} of signals, {} of OOM kills",
                        FormatCount(left_out.failed_calls), FormatCount(left_out.signals),
                        FormatCount(left_out.oom_kills));
  }
  return text;
}

/// "libc6 2.36-9, redis-server 5:7.0.15-1".
std::string DescribePackages(const std::map<std::string, std::string>& packages) {
  std::string text;
  for (const auto& [package, version] : packages) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Printable(package), Printable(version));
  }
  return text;
}

std::string DescribeImage(const ImageRecord& image) {
  return fmt::format(
      "image {}: {}", Printable(image.name),
      image.packages.empty() ? "it does not tell its packages" : DescribePackages(image.packages));
}

/// Where more than one thing happened before the end: what came first is the cause, the rest may be symptoms.
std::string ChainLines(const Verdict& verdict, const TextStyle& style) {
  constexpr std::size_t kWorthTelling = 3;
  if (verdict.chain.size() < kWorthTelling) {
    return "";
  }
  std::string text = "  in the order of time:\n";
  for (const ChainLink& link : verdict.chain) {
    const std::string who = link.process.empty() ? "" : Printable(link.process) + ": ";
    text += Wrapped(fmt::format("{:.2f} s {}{}", link.t_s, who, Printable(link.what)), style, 4, 6) + "\n";
  }
  return text;
}

}  // namespace

std::string FormatHeadline(const Verdict& verdict, const TextStyle& style) {
  return fmt::format("{}: {}, {}\n", CaseName(verdict), OutcomeWords(verdict),
                     Coloured(ExpectedWords(verdict), ExpectedColour(verdict), style));
}

std::string FormatVerdict(const Verdict& verdict, const TextStyle& style) {
  std::string text = FormatHeadline(verdict, style);
  std::string why = Printable(verdict.reason);
  if (!verdict.remedy.empty()) {
    why += " (remedy: " + Printable(verdict.remedy) + ")";
  }
  text += Wrapped(why, style, 2, 4) + "\n";
  if (verdict.slower) {
    text += Wrapped(Printable(verdict.slower->sentence), style, 2, 4) + "\n";
  }
  text += ChainLines(verdict, style);
  for (const ImageRecord& image : verdict.images) {
    text += Wrapped(DescribeImage(image), style, 2, 4) + "\n";
  }
  if (!verdict.packages.empty()) {
    text += Wrapped("with " + DescribePackages(verdict.packages), style, 2, 4) + "\n";
  }
  for (const ExpectationResult& result : verdict.expectations) {
    if (result.met != true && verdict.outcome != Outcome::kInconclusive) {
      text += Wrapped(DescribeExpectation(result, verdict), style, 2, 4) + "\n";
    }
  }
  text += LastWords(verdict, style) + Slowness(verdict, style);
  if (verdict.expected_met != true && verdict.outcome != Outcome::kNotApplicable &&
      !verdict.run_dir.empty()) {
    text += "  evidence: " + Printable(verdict.run_dir) + "\n";
  }
  return text;
}

std::string FormatUnmet(const Verdict& verdict) {
  std::string text = FormatHeadline(verdict, {});
  for (const ExpectationResult& result : verdict.expectations) {
    if (result.met != true) {
      text += fmt::format("  {}{} {}{}\n    expected: {}\n    found:    {}\n", Mark(result.mark),
                          Printable(result.subject), Printable(result.what),
                          result.met ? "" : " (cannot be judged)", Printable(result.expected),
                          Printable(result.found));
    }
  }
  text += "  what happened: " + Printable(verdict.reason) + "\n";
  text += "  evidence: " + EvidenceLine(verdict) + "\n";
  if (!verdict.remedy.empty()) {
    text += "  remedy: " + Printable(verdict.remedy) + "\n";
  }
  return text + "  run directory: " + Printable(verdict.run_dir) + "\n";
}

int ExitCodeOf(const RunReport& report) {
  if (report.interrupted) {
    return 130;
  }
  bool unknown = false;
  for (const Verdict& verdict : report.results) {
    if (verdict.expected_met == false) {
      return 1;
    }
    unknown = unknown || (!verdict.expected_met && verdict.outcome != Outcome::kNotApplicable);
  }
  return unknown ? 3 : 0;
}

}  // namespace brink
