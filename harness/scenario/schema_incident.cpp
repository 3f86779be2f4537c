// SPDX-License-Identifier: MIT
// Keys of what is known of an incident.
#include "scenario/schema_sections.h"
#include "scenario/vocabulary.h"

namespace brink {

using enum ValueType;
using enum Shape;

std::vector<Section> IncidentSections() {
  return {
      {.name = "incident",
       .doc = "What is known of the incident, in words. The software that the processes require and the "
              "binding limits that the cases expect are read from there, so don't repeat them here. Every "
              "file that comes with brink has this section; your own need none.",
       .keys = {
           {.name = "class",
            .type = kChoice,
            .choices = IncidentClassNames(),
            .needed = true,
            .doc = "What it is about. `look_alike`: it shows the message of another class and has another "
                   "cause."},
           {.name = "systems",
            .shape = kList,
            .needed = true,
            .not_empty = true,
            .doc = "Systems that were hit."},
           {.name = "versions",
            .doc =
                "Which versions of them are affected, from when to when, and how that is known. Those that "
                "a run met are in its verdict."},
           {.name = "symptom",
            .shape = kList,
            .needed = true,
            .not_empty = true,
            .doc = "Log lines as the user first sees them, word for word, without the time; what varies "
                   "is a word in angle brackets, such as `<pid>`. Where nothing is logged, what is seen "
                   "instead. `brink search` finds the incident by them."},
           {.name = "beside",
            .shape = kList,
            .doc =
                "Lines that the incident prints and other failures print too (`server closed the connection "
                "unexpectedly`), written like a symptom. Beside a symptom in the same log they support it; "
                "alone they make the incident no more than a candidate."},
           {.name = "unlike",
            .shape = kList,
            .doc =
                "Words of lines that look alike and are another matter: a line with all words of one of them "
                "is not of this incident (`Java heap space`: no OutOfMemoryError of the system's limits). In "
                "a log with such a line the lines of `beside`, and symptoms that other incidents have too, "
                "are none of it either."},
           {.name = "refuted_by",
            .shape = kList,
            .doc =
                "Words of lines that tell of another cause (`WORKER TIMEOUT`: the parent killed the worker). "
                "In a log with all words of one of them in a line, a symptom counts as little as a line of "
                "`beside` alone, and those of `beside` not at all."},
           {.name = "cause", .needed = true, .doc = "What really happens, in a sentence or two."},
           {.name = "cure", .needed = true, .doc = "What helps."},
           {.name = "cost", .needed = true, .doc = "What the cure costs."},
           {.name = "confirm", .needed = true, .doc = "The command or figure that proves it."},
           {.name = "exclude", .doc = "The command or figure that rules it out."},
           {.name = "takes",
            .type = kDuration,
            .doc = "How long all its cases take, added up, about, on two processors that emulate the guests "
                   "of those that need one; without the start of a guest."},
           {.name = "rate",
            .doc =
                "Of cases that do not go the same way each time: in how many runs of how many they went as "
                "expected, and why not in the others."}}}};
}

}  // namespace brink
