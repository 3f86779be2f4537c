// SPDX-License-Identifier: MIT
#include "scenario/load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <tuple>

#include "base/unique_fd.h"
#include "scenario/decode.h"
#include "scenario/merge.h"
#include "scenario/values.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

constexpr std::size_t kLargestFile = 1024UL * 1024;
// What a share is taken of while no host is known; large enough that no share of it is nothing.
constexpr std::uint64_t kPretendedMemory = 16ULL * 1024 * 1024 * 1024;
constexpr int kPretendedPort = 1;

Result<std::string> ReadScenarioFile(const std::string& path) {
  // O_NONBLOCK: a FIFO must not hold brink up before it is known to be one.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.Valid() || ::fstat(file.Get(), &status) != 0) {
    return FailErrno("cannot be read", errno, "name a scenario file or a folder of them");
  }
  if (!S_ISREG(status.st_mode)) {
    return Fail(S_ISDIR(status.st_mode) ? "is a folder, not a scenario file" : "is not a regular file",
                "name a .yaml file");
  }
  std::string text;
  std::array<char, 65536> buffer{};
  while (text.size() <= kLargestFile) {
    const ssize_t count = ::read(file.Get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return FailErrno("cannot be read");
    }
    if (count == 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return Fail("is larger than 1 MiB", "a scenario is a small file; keep data elsewhere");
}

/// A host that has everything, so that only the file's own mistakes show.
PlanContext PretendedHost() {
  PlanContext context;
  context.memory_bytes = kPretendedMemory;
  context.run_dir = "/nowhere";
  context.free_port = [](const std::string& /*name*/) -> Result<int> { return kPretendedPort; };
  return context;
}

/// As it stands in the file.
double SecondsAt(const Node& map, std::string_view key) {
  const auto duration = ParseDuration(TextAt(map, key));
  return duration ? std::chrono::duration<double>(*duration).count() : 0;
}

Incident ReadIncident(const Node& map) {
  return {.kind = TextAt(map, "class"),
          .systems = TextsAt(map, "systems"),
          .versions = TextAt(map, "versions"),
          .symptoms = TextsAt(map, "symptom"),
          .unlike = TextsAt(map, "unlike"),
          .cause = TextAt(map, "cause"),
          .cure = TextAt(map, "cure"),
          .cost = TextAt(map, "cost"),
          .confirm = TextAt(map, "confirm"),
          .exclude = TextAt(map, "exclude"),
          .takes_s = SecondsAt(map, "takes"),
          .rate = TextAt(map, "rate")};
}

/// The file's own keys, as far as they can be read; without a name it gets one, so that only one complaint is
/// made of it.
Scenario ReadHead(Node& root, const std::string& file, std::vector<Complaint>& complaints) {
  Scenario scenario;
  scenario.file = file;
  std::error_code ignored;
  scenario.directory = std::filesystem::absolute(file, ignored).lexically_normal().parent_path().string();
  if (Find(root, "name") == nullptr) {
    complaints.push_back({root.mark, "the scenario lacks 'name'", "add it as the first line: 'name: ...'"});
    root.entries.push_back({MakeScalar("name", root.mark), MakeScalar("unnamed", root.mark)});
  }
  scenario.name = TextAt(root, "name");
  scenario.title = TextAt(root, "title");
  scenario.references = TextsAt(root, "reference");
  scenario.tags = TextsAt(root, "tags");
  for (const auto& [name, value] : EntriesOf(Find(root, "parameters"))) {
    scenario.parameters[name.scalar] =
        value.kind == Node::Kind::kMap ? TextAt(value, "default") : value.scalar;
  }
  if (const Node* incident = Find(root, "incident")) {
    scenario.incident = ReadIncident(*incident);
  }
  return scenario;
}

/// One that a misspelt reference was meant for shows when that is mended.
void ComplainOfUnused(const Node& root, const std::set<std::string>& used,
                      std::vector<Complaint>& complaints) {
  for (const auto& [name, value] : EntriesOf(Find(root, "parameters"))) {
    if (!used.contains(name.scalar)) {
      complaints.push_back({name.mark, fmt::format("the parameter '{}' is used nowhere", name.scalar),
                            fmt::format("write ${{{}}} where its value belongs, or remove it", name.scalar)});
    }
  }
}

/// In the file's order, each once: a mistake above the cases is found in every case.
void Tidy(std::vector<Complaint>& complaints) {
  const auto order = [](const Complaint& c) {
    return std::tie(c.mark.line, c.mark.column, c.problem, c.remedy);
  };
  std::sort(complaints.begin(), complaints.end(),
            [&](const Complaint& a, const Complaint& b) { return order(a) < order(b); });
  const auto same = [](const Complaint& a, const Complaint& b) {
    return std::tie(a.mark.line, a.mark.column, a.problem) == std::tie(b.mark.line, b.mark.column, b.problem);
  };
  complaints.erase(std::unique(complaints.begin(), complaints.end(), same), complaints.end());
}

LoadResult Unreadable(const std::string& path, const Error& error) {
  return {.scenario = {}, .complaints = {{{.file = path}, error.message, error.remedy}}};
}

/// YAML to a scenario and its cases; what the keys hold is not looked at. `root` is left null without a map.
LoadResult Skim(const std::string& text, const std::string& file, Node& root) {
  LoadResult result;
  YamlTree tree = ParseYamlTree(text, file);
  result.complaints = std::move(tree.complaints);
  if (tree.root.kind != Node::Kind::kMap) {
    if (result.complaints.empty()) {
      result.complaints.push_back({tree.root.mark, "a scenario is a map", "start with 'name: ...'"});
    }
    return result;
  }
  result.scenario = ReadHead(tree.root, file, result.complaints);
  result.scenario.cases = MakeCases(tree.root, result.complaints);
  root = std::move(tree.root);
  return result;
}

}  // namespace

std::string FormatComplaint(const Complaint& complaint) {
  std::string text = complaint.mark.file;
  if (complaint.mark.line > 0) {
    text += fmt::format(":{}:{}", complaint.mark.line, complaint.mark.column);
  }
  text += ": " + complaint.problem;
  return complaint.remedy.empty() ? text : text + " (" + complaint.remedy + ")";
}

LoadResult LoadScenario(const std::string& path, const NameChecks& names) {
  const auto text = ReadScenarioFile(path);
  return text ? ParseScenario(*text, path, names) : Unreadable(path, text.error());
}

LoadResult ParseScenario(const std::string& text, const std::string& file, const NameChecks& names) {
  Node root;
  LoadResult result = Skim(text, file, root);
  if (root.kind != Node::Kind::kMap) {
    return result;
  }
  const Scenario& scenario = result.scenario;
  PlanContext context = PretendedHost();
  context.names = names;
  std::set<std::string> used = CheckBase(scenario, WithoutCases(root), context, result.complaints);
  for (const ScenarioCase& one : scenario.cases) {
    Decoded decoded = DecodeCase(scenario, one, context);
    std::move(decoded.complaints.begin(), decoded.complaints.end(), std::back_inserter(result.complaints));
    used.merge(decoded.used);
  }
  if (result.complaints.empty()) {
    ComplainOfUnused(root, used, result.complaints);
  }
  Tidy(result.complaints);
  return result;
}

LoadResult SkimScenario(const std::string& path) {
  const auto text = ReadScenarioFile(path);
  Node root;
  return text ? Skim(*text, path, root) : Unreadable(path, text.error());
}

Result<std::vector<std::string>> FindScenarioFiles(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    return Fail(fmt::format("{}: {}", path, error ? error.message() : "No such file or directory"),
                "name a scenario file or a folder of them");
  }
  if (!fs::is_directory(status)) {
    return std::vector<std::string>{path};
  }
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(path, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() == ".yaml" && entry->is_regular_file(ignored)) {
      files.push_back(entry->path().string());
    }
  }
  if (error) {
    return Fail(fmt::format("{}: cannot be listed: {}", path, error.message()));
  }
  if (files.empty()) {
    return Fail(fmt::format("{}: no scenario files (*.yaml) in this folder", path),
                "name another folder or a file");
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace brink
