// SPDX-License-Identifier: MIT
// A scenario as the catalogue of incidents shows it. Pure: what is read from the scenario's own keys is not
// written anywhere a second time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/scenario.h"

namespace brink {

struct CatalogueEntry {
  std::string name;
  std::string title;
  std::string file;    // as the reader would type it
  std::string system;  // the name of the folder that holds the file
  std::optional<Incident> incident = {};
  std::vector<std::string> references = {};
  std::vector<std::string> tags = {};
  std::vector<std::string> cases = {};
  // The rest is what the cases say, each word once, in the file's order.
  std::vector<std::string> software = {};  // Debian packages that its processes or steps require
  bool real = false;  // some of it is run: not only preloaded into a model, nor its interpreter
  std::vector<std::string> programs = {};        // what its processes run, without folders
  std::vector<std::string> binding_limits = {};  // expected ones, without "none"
  std::vector<std::string> stall_limits = {};    // those of them that hold a process up
  std::vector<std::string> calls = {};           // that are expected to fail
  std::vector<std::string> errnos = {};          // with these
  bool oom_kill = false;                         // some case expects one
  // Of the incident: lines that are no more than support, and words of lines that tell of another cause.
  std::vector<std::string> beside = {};
  std::vector<std::string> refuted_by = {};
};

[[nodiscard]] CatalogueEntry EntryOf(const Scenario& scenario);

}  // namespace brink
