// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/cached.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "sandbox/images.h"

namespace brink {
namespace {

std::string DescribeImage(const std::string& name, const ImagePlaces& places) {
  const auto folder = FindImage(name, places);
  if (!folder) {
    return name + "\n  not made yet\n";
  }
  std::string text = fmt::format("{}\n  {}\n", name, *folder);
  for (const auto& [package, version] : ReadImage(name, *folder).packages) {
    text += fmt::format("  {} {}\n", package, version);
  }
  return text;
}

int List(const ImagePlaces& places, const std::vector<std::string>& /*names*/) {
  std::string text = CacheInWords(places.cache, places.machine);
  for (const std::string& name : KnownImageNames(places)) {
    text += DescribeImage(name, places);
  }
  return PrintResults(text, kExitMet);
}

int Build(const ImagePlaces& places, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto checked = CheckImageName(name, places); !checked) {
      PrintError(checked.error());
      return kExitUsage;
    }
  }
  for (const std::string& name : names) {
    const auto made = MakeImage(
        name, [](const std::string& line) { PrintNotice("brink: " + line + "\n"); }, places);
    if (!made) {
      return PrintFailure(made.error());
    }
    if (const int status = PrintResults(DescribeImage(name, places), kExitMet); status != kExitMet) {
      return status;
    }
  }
  return kExitMet;
}

int Remove(const ImagePlaces& places, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto removed = RemoveImage(name, places); !removed) {
      const auto known = CheckImageName(name, places);
      PrintError(known ? removed.error() : known.error());
      return known ? kExitOwnFailure : kExitUsage;
    }
    PrintNotice(fmt::format("brink: removed {}/{}\n", places.cache, name));
  }
  return kExitMet;
}

using Action = int (*)(const ImagePlaces&, const std::vector<std::string>&);

int WithPlaces(Action action, const std::vector<std::string>& names) {
  const auto places = DefaultImagePlaces();
  if (!places) {
    PrintError(places.error());
    return kExitOwnFailure;
  }
  return action(*places, names);
}

void AddImageCommand(CLI::App& image, int& status, const std::string& name, const std::string& help,
                     Action action, bool takes_images) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = image.add_subcommand(name, help);
  if (takes_images) {
    command->add_option("IMAGE", *names, "Names of images, as `brink image list` shows them")
        ->type_name("")
        ->required();
  }
  command->callback([names, action, &status] { status = WithPlaces(action, *names); });
}

}  // namespace

void AddImageCommand(CLI::App& app, int& status) {
  CLI::App* image = app.add_subcommand("image", "Manage the images that processes may run in");
  image->require_subcommand(1);
  AddImageCommand(*image, status, "list",
                  "List the images that are there, with their versions, and those to be had", List, false);
  AddImageCommand(*image, status, "build", "Make images of Debian's packages", Build, true);
  AddImageCommand(*image, status, "remove", "Remove images from the cache", Remove, true);
}

}  // namespace brink
