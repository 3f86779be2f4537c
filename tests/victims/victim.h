// SPDX-License-Identifier: MIT
// The victim: a program with one mode for each way to meet a memory limit, so that the true cause of what a
// live test sees is known by construction. It does what the mode says and nothing else: it allocates nothing
// beside it, prints one line of what it did with one write(2), and exits with one of the codes below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace victim {

inline constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Everything asked for worked (the control of a failure).
inline constexpr int kDone = 0;
/// Called wrongly.
inline constexpr int kUsage = 2;
/// The call under test failed; the printed line names it, its errno and how many calls had worked before.
inline constexpr int kFailed = 3;

/// The KEY=VALUE words after the mode. A word that is no number, or a key that the mode does not read, ends
/// the program with kUsage: a mistyped test must not pass as a control.
class Arguments {
 public:
  Arguments(int argc, char** argv);

  [[nodiscard]] std::string Text(const std::string& key, const std::string& fallback) const;
  /// A whole number.
  [[nodiscard]] long Number(const std::string& key, long fallback) const;
  /// Bytes: a whole number with K, M, G or nothing behind it.
  [[nodiscard]] std::size_t Bytes(const std::string& key, std::size_t fallback) const;
  /// True when every key given belongs to `keys` (separated by blanks); says which does not.
  [[nodiscard]] bool Only(std::string_view keys) const;

 private:
  std::map<std::string, std::string> values_;
};

struct Mode {
  std::string_view name;
  std::string_view keys;  // the arguments it reads, separated by blanks
  int (*run)(const Arguments& arguments);
  std::string_view doc;
};

[[nodiscard]] std::span<const Mode> MappingModes();
[[nodiscard]] std::span<const Mode> GrowthModes();
[[nodiscard]] std::span<const Mode> TaskModes();
[[nodiscard]] std::span<const Mode> DescendantModes();
[[nodiscard]] std::span<const Mode> EndingModes();

/// Prints one line with one write(2) and no allocation: at a limit, stdio's own buffer would be one more
/// failing call.
[[gnu::format(printf, 1, 2)]] void Say(const char* format, ...);

/// Says "CALL failed: ERRNO after N" and gives kFailed.
[[nodiscard]] int Failed(const char* call, int error, std::uint64_t after);

/// Says "CALL worked N times" and gives kDone.
[[nodiscard]] int Worked(const char* call, std::uint64_t times);

/// Ends the program with kUsage.
[[noreturn]] void Misused(const char* what, std::string_view value);

/// "ENOMEM".
[[nodiscard]] const char* ErrnoName(int error);

/// The bytes of argv as /proc/self/cmdline shows them; writing to them renames the process.
[[nodiscard]] std::span<char> CommandLine();
void RememberCommandLine(int argc, char** argv);

[[nodiscard]] std::size_t PageSize();

/// A private anonymous mapping; nullptr (errno set) when refused.
[[nodiscard]] char* Map(std::size_t bytes, int protection, int more_flags = 0);

/// Moves the end of the heap by the system call, as malloc does; false (errno ENOMEM) when it did not move.
[[nodiscard]] bool GrowHeap(std::size_t bytes);

/// Writes to every page, in steps the timeline can follow. Volatile, so that no compiler leaves it out.
void Touch(char* memory, std::size_t bytes);

/// Until a signal ends it.
[[noreturn]] void SleepForever();

}  // namespace victim
