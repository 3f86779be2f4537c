// SPDX-License-Identifier: MIT
#include "kernel/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "kernel/files.h"

namespace brink {
namespace {

using nlohmann::json;

constexpr std::string_view kUnfinished = ".new";

std::string MachineFile(const Roots& roots) { return roots.run + "/machine.json"; }

std::string EntryFile(const Roots& roots, const RunEntry& entry) {
  return roots.run + "/runs/" + std::to_string(entry.pid) + "-" + std::to_string(entry.start_ticks) + ".json";
}

Status WriteWhole(const std::string& path, const std::string& text) {
  const std::string temporary = path + std::string(kUnfinished);
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const auto full = static_cast<ssize_t>(text.size());
  if (!fd.Valid() || ::write(fd.Get(), text.data(), text.size()) != full || ::fsync(fd.Get()) != 0 ||
      ::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    return FailErrno("write the journal " + path, code,
                     "nothing was changed; make room there, or run brink as root");
  }
  return {};
}

Status RemoveFile(const std::string& path) {
  ::unlink((path + ".new").c_str());  // of a brink that was killed while it wrote
  return ::unlink(path.c_str()) == 0 || errno == ENOENT ? Status{} : FailErrno("remove " + path);
}

tl::unexpected<Error> Damaged(const std::string& path, const std::string& why) {
  return Fail("the journal " + path + " is damaged: " + why,
              "compare the machine's settings with what they should be, then delete the file");
}

}  // namespace

Result<std::optional<MachineJournal>> ReadMachineJournal(const Roots& roots) {
  const std::string path = MachineFile(roots);
  const auto text = ReadSmallFile(path);
  if (!text) {
    if (text.error().code == ENOENT) {
      return std::nullopt;
    }
    Error error = text.error();
    error.remedy = "run brink as root";
    return tl::unexpected(std::move(error));
  }
  try {
    const json document = json::parse(*text);
    MachineJournal journal{.key = document.at("key"), .slots = {}};
    for (const json& slot : document.at("slots")) {
      journal.slots.push_back(
          {.slot = slot.at("slot"), .old_value = slot.at("old"), .set_values = slot.at("set")});
    }
    return journal;
  } catch (const json::exception& error) {
    return Damaged(path, error.what());
  }
}

Status WriteMachineJournal(const Roots& roots, const MachineJournal& journal) {
  json document = {{"key", journal.key}, {"slots", json::array()}};
  for (const JournalSlot& slot : journal.slots) {
    document["slots"].push_back({{"slot", slot.slot}, {"old", slot.old_value}, {"set", slot.set_values}});
  }
  return WriteWhole(MachineFile(roots), document.dump(2) + "\n");
}

Status RemoveMachineJournal(const Roots& roots) { return RemoveFile(MachineFile(roots)); }

std::vector<Result<RunEntry>> ReadRunEntries(const Roots& roots) {
  std::vector<Result<RunEntry>> entries;
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator it(roots.run + "/runs", error); !error && it != end;
       it.increment(error)) {
    const std::string path = it->path().string();
    if (!path.ends_with(".json")) {
      continue;
    }
    const auto text = ReadSmallFile(path);
    if (!text) {
      continue;  // its brink has finished meanwhile
    }
    try {
      const json document = json::parse(*text);
      entries.emplace_back(RunEntry{.pid = document.at("pid"),
                                    .start_ticks = document.at("start_ticks"),
                                    .group = document.at("group")});
    } catch (const json::exception& failure) {
      entries.emplace_back(Damaged(path, failure.what()));
    }
  }
  return entries;
}

void RemoveUnfinishedEntries(const Roots& roots) {
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator it(roots.run + "/runs", error); !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    const auto pid = ParseNumber(std::string_view(name).substr(0, name.find('-')));
    // A live process of that number may be the one that writes it: then it stays for the next time.
    if (name.ends_with(kUnfinished) && pid && !StartTicks(roots, static_cast<int>(*pid))) {
      ::unlink(it->path().c_str());
    }
  }
}

Status WriteRunEntry(const Roots& roots, const RunEntry& entry) {
  const json document = {{"pid", entry.pid}, {"start_ticks", entry.start_ticks}, {"group", entry.group}};
  return WriteWhole(EntryFile(roots, entry), document.dump(2) + "\n");
}

Status RemoveRunEntry(const Roots& roots, const RunEntry& entry) {
  return RemoveFile(EntryFile(roots, entry));
}

std::optional<std::uint64_t> StartTicks(const Roots& roots, int pid) {
  const std::string text = ReadSmallFile(roots.proc + "/" + std::to_string(pid) + "/stat").value_or("");
  // "PID (COMM) STATE ...": the name may hold blanks and parentheses, so count from its end.
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) {
    return std::nullopt;
  }
  const std::string rest = text.substr(end + 1);
  const auto fields = Split(rest, ' ');
  constexpr std::size_t kStartTime = 19;  // field 22, where STATE is field 3
  if (fields.size() <= kStartTime || fields[0] == "Z" || fields[0] == "X") {
    return std::nullopt;
  }
  return ParseNumber(fields[kStartTime]);
}

std::vector<int> OtherBrinks(const Roots& roots) {
  std::vector<int> pids;
  for (const auto& entry : ReadRunEntries(roots)) {
    if (entry && entry->pid != ::getpid() && StartTicks(roots, entry->pid) == entry->start_ticks) {
      pids.push_back(entry->pid);
    }
  }
  return pids;
}

Status MakeRunDirectory(const Roots& roots) {
  std::error_code error;
  std::filesystem::create_directories(roots.run + "/runs", error);
  if (!error) {
    // Nobody else is to hold the locks, and an older brink may have made it for all to read.
    std::filesystem::permissions(roots.run, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return FailErrno("make " + roots.run + "/runs", error.value(),
                     "brink keeps its journal and locks there: run it as root");
  }
  return {};
}

}  // namespace brink
