// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <memory>

#include "catalogue/list_forms.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace brink {
namespace {

struct ListOptions {
  std::vector<std::string> paths;
  std::string by = "system";
  std::string format = "text";
};

const std::map<std::string, ListBy> kOrders{
    {"system", ListBy::kSystem}, {"limit", ListBy::kLimit}, {"class", ListBy::kClass}};

std::string Listed(const ListOptions& options, const std::vector<CatalogueEntry>& entries) {
  const ListBy by = kOrders.at(options.by);
  if (options.format == "json") {
    return FormatListJson(entries);
  }
  return options.format == "markdown" ? FormatListMarkdown(entries, by) : FormatListText(entries, by);
}

}  // namespace

void AddListCommand(CLI::App& app, int& status) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = app.add_subcommand("list", "List incidents by system, binding limit or class");
  command
      ->add_option("PATH", options->paths,
                   "Scenario files, or folders of them (default: those that come with brink)")
      ->type_name("");
  command->add_option("--by", options->by, "What the headings are")
      ->type_name("system|limit|class")
      ->check(CLI::IsMember(kOrders).description(""))
      ->capture_default_str();
  command->add_option("--format", options->format, "Form of the list on standard output")
      ->type_name("text|json|markdown")
      ->check(CLI::IsMember({"text", "json", "markdown"}).description(""))
      ->capture_default_str();
  command->callback([options, &status] {
    if (options->paths.empty()) {
      options->paths.push_back(ShippedScenarios());
    }
    const auto scenarios = LoadScenarios(options->paths);
    if (!scenarios) {
      status = kExitUsage;
      return;
    }
    status = PrintResults(Listed(*options, ShortEntriesOf(*scenarios)), kExitMet);
  });
}

}  // namespace brink
