// SPDX-License-Identifier: MIT
// Keys of a process.
#include "scenario/schema_sections.h"

namespace brink {
namespace {

using enum ValueType;
using enum Shape;

}  // namespace

std::vector<Section> ProcessSections() {
  return {
      {.name = "process",
       .doc = "One target.",
       .keys =
           {{.name = "run",
             .shape = kList,
             .needed = true,
             .not_empty = true,
             .doc = "Command and arguments. The command is looked for among brink's workloads, then on PATH; "
                    "with a '/' it "
                    "is relative to the scenario's folder."},
            {.name = "requires", .type = kSection, .section = "requires", .doc = "What must be installed."},
            {.name = "ready",
             .type = kSection,
             .section = "ready",
             .fallback = "as soon as it runs",
             .doc = "When it counts as started."},
            {.name = "cgroup",
             .type = kSection,
             .section = "cgroup",
             .fallback = "a group of its own, without limits",
             .doc = "Limits of its control group."},
            {.name = "oom_score_adj",
             .type = kInteger,
             .min = -1000,
             .max = 1000,
             .fallback = "brink's own",
             .doc = "Added to the OOM killer's score in thousandths of the memory: 1000 is killed first, "
                    "-1000 never."},
            {.name = "rlimits", .type = kSection, .section = "rlimits", .doc = "Its resource limits."},
            {.name = "env",
             .shape = kNamed,
             .variables = true,
             .fallback = "brink's own",
             .doc = "Environment variables to add."},
            {.name = "cwd",
             .fallback = "`${dir}`",
             .doc = "Working directory; a relative one is below `${dir}`."},
            {.name = "image",
             .type = kName,
             .names = Named::kImage,
             .fallback = "the scenario's",
             .doc = "An image (`brink image list`) that is its root folder, read-only; `host`: none. Of this "
                    "machine it "
                    "then sees `${dir}`, `${scenario_dir}` (read-only, unless the image has a folder of that "
                    "name), the "
                    "network, /dev and /sys; /run and /tmp are its own and empty. Commands, `ready: exec` "
                    "among them, "
                    "and users are the image's, and `requires` is not looked at."},
            {.name = "user", .fallback = "brink's own", .doc = "Name of the user it runs as."},
            {.name = "nice",
             .type = kInteger,
             .min = -20,
             .max = 19,
             .fallback = "0",
             .doc = "Scheduling niceness."},
            {.name = "children",
             .type = kSection,
             .shape = kNamed,
             .section = "child",
             .doc = "Names for its descendants, so that verdicts can tell them apart."},
            {.name = "start",
             .type = kChoice,
             .choices = {"auto", "manual"},
             .fallback = "auto",
             .doc = "`manual`: a `start` step starts it."},
            {.name = "stop", .type = kSection, .section = "stop", .doc = "How it is ended."}}},
      {.name = "requires",
       .doc =
           "Without it the case is inconclusive, with the command that installs it; but in a guest an image "
           "stands in that has all the packages that the case requires and has been made (`brink image "
           "build`): commands that it has run in it, others (brink's workloads) outside.",
       .keys = {{.name = "debian",
                 .shape = kOneOrList,
                 .pattern = "[a-z0-9][a-z0-9+.-]+",
                 .pattern_words = "the name of a Debian package: redis-server",
                 .needed = true,
                 .doc = "Debian packages. Their versions are in the verdict."}}},
      {.name = "ready",
       .doc = "At most one condition.",
       .keys = {{.name = "tcp",
                 .type = kInteger,
                 .min = 1,
                 .max = 65535,
                 .doc = "This port of the loopback interface accepts connections."},
                {.name = "log", .type = kPattern, .doc = "A line of its output matches."},
                {.name = "exec",
                 .shape = kList,
                 .not_empty = true,
                 .doc = "This command exits with 0; it is tried again until then."},
                {.name = "timeout", .type = kDuration, .fallback = "10s", .doc = "How long that may take."}},
       .choose = {"tcp", "log", "exec"},
       .choose_max = 1},
      {.name = "child",
       .doc = "How a descendant is recognised; any one condition suffices.",
       .keys = {{.name = "title",
                 .doc = "Part of its command line or name (a title set by the program counts)."},
                {.name = "exe", .doc = "File name of its executable."},
                {.name = "oom_score_adj",
                 .type = kInteger,
                 .min = -1000,
                 .max = 1000,
                 .fallback = "inherited",
                 .doc = "Imposed on it when it is first seen."}},
       .choose = {"title", "exe"},
       .choose_min = 1},
      {.name = "stop",
       .doc = "The end of a process when the case ends, or by a `stop` step.",
       .keys = {
           {.name = "signal",
            .type = kSignal,
            .fallback = "SIGTERM",
            .doc = "Sent first, and then to what the process leaves running: a shell passes nothing on."},
           {.name = "timeout",
            .type = kDuration,
            .fallback = "5s",
            .doc = "Then everything in its group is killed."}}}};
}

}  // namespace brink
