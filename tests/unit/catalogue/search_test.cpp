// SPDX-License-Identifier: MIT
// The rules of search, on a catalogue made for them.
#include "catalogue/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace brink {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Not;

CatalogueEntry Entry(const std::string& name, const std::vector<std::string>& symptoms) {
  CatalogueEntry entry{.name = name, .title = "", .file = name + ".yaml", .system = ""};
  entry.incident = Incident{.kind = "fork",
                            .systems = {},
                            .symptoms = symptoms,
                            .cause = "c",
                            .cure = "c",
                            .cost = "c",
                            .confirm = "c",
                            .exclude = ""};
  return entry;
}

std::vector<CatalogueEntry> Catalogue() {
  std::vector<CatalogueEntry> entries{
      Entry("redis-fork",
            {"Can't save in background: fork: Cannot allocate memory", "MISCONF unable to persist"}),
      Entry("any-fork", {"fork: Cannot allocate memory"}),
      Entry("blocks", {"corrupted block <id>: mmap, size <n>: cannot allocate memory"}),
      Entry("memcg", {"Memory cgroup out of memory: Killed process <pid> (<name>) total-vm:<n>kB"}),
      Entry("machine", {"Out of memory: Killed process <pid> (<name>) total-vm:<n>kB"}),
      Entry("threads", {"pthread_create failed (EAGAIN)"}),
      Entry("killed", {"Killed"}),
      Entry("python-fork", {"self.pid = os.fork()", "OSError: [Errno 12] Cannot allocate memory"}),
      Entry("mapped", {"java.lang.OutOfMemoryError: Map failed"})};
  entries[8].incident->unlike = {"Java heap space"};
  entries[0].beside = {"Background saving error"};
  entries[6].refuted_by = {"worker timed out"};
  entries[0].software = {"redis-server"};
  entries[0].errnos = {"ENOMEM"};
  entries[5].calls = {"clone"};
  entries[5].title = "A worker cannot start";
  return entries;
}

/// "KIND NAME" of each match, strongest first.
class Searched {
 public:
  explicit Searched(const std::vector<std::string>& lines, const std::string& words = "") : index_(entries_) {
    Search search(index_);
    for (const std::string& line : lines) {
      search.AddLine(line);
    }
    if (!words.empty()) {
      static_cast<void>(search.AddWords(words));
    }
    matches_ = search.Matches();
  }

  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const SearchMatch& match : matches_) {
      names.push_back(std::string(Name(match.kind)) + " " + entries_[match.entry].name);
    }
    return names;
  }
  [[nodiscard]] const std::vector<SearchMatch>& Matches() const { return matches_; }

 private:
  std::vector<CatalogueEntry> entries_ = Catalogue();
  SearchIndex index_;
  std::vector<SearchMatch> matches_;
};

std::vector<std::string> InLog(const std::vector<std::string>& lines) { return Searched(lines).Names(); }
std::vector<std::string> InWords(const std::string& words) { return Searched({}, words).Names(); }

TEST(Search, PutsAWholeSymptomLineFirstWhateverStandsAroundIt) {
  EXPECT_THAT(
      InLog({"12:M 21 Nov 2026 08:51:42.123 # can't save in  background: fork: Cannot allocate memory (x)"}),
      ElementsAre("message redis-fork", "similar any-fork"));
}

TEST(Search, PlaceholdersStandForAnything) {
  EXPECT_THAT(InLog({"err=\"corrupted block 01EX/chunks 3: mmap, size 271: cannot allocate memory\""}),
              ElementsAre("message blocks"));
}

TEST(Search, TheLineThatSaysMoreWins) {
  EXPECT_THAT(
      InLog({"[1.5] Memory cgroup out of memory: Killed process 7 (java) total-vm:5kB, anon-rss:1kB"}),
      ElementsAre("message memcg", "similar machine"));
  EXPECT_THAT(InLog({"[1.5] Out of memory: Killed process 7 (java) total-vm:5kB, anon-rss:1kB"}),
              AllOf(Contains("message machine"), Not(Contains("message memcg"))));
}

TEST(Search, FindsALineThatIsNearlyTheSame) {
  EXPECT_THAT(InLog({"block 7 corrupted, size of the mmap 15 (errno 12)"}), ElementsAre("similar blocks"));
  EXPECT_THAT(InLog({"corrupted block: checksum mismatch"}), IsEmpty());
  EXPECT_THAT(InLog({"fork() = 4711"}), IsEmpty()) << "one word, however rare, is no message";
}

TEST(Search, ALineThatIsKnownToBeOfSomethingElseIsNoMatch) {
  EXPECT_THAT(InWords("java.lang.OutOfMemoryError: PermGen"), Contains("similar mapped"));
  EXPECT_THAT(InWords("java.lang.OutOfMemoryError: Java heap space"), IsEmpty());
}

TEST(Search, ALineThatIsKnownWordForWordIsNotAlsoLikeOthers) {
  EXPECT_THAT(InLog({"Out of memory: Killed process 7 (db) total-vm:9kB"}), ElementsAre("message machine"));
}

TEST(Search, ALineThatOtherFailuresPrintTooIsNoFinding) {
  EXPECT_THAT(InLog({"Background saving error"}), ElementsAre("usual redis-fork"));
  EXPECT_THAT(InWords("Background saving error"), ElementsAre("usual redis-fork"));
  EXPECT_THAT(InLog({"Background saving error", "Killed"}), ElementsAre("message killed"));
  const std::string fork = "Can't save in background: fork: Cannot allocate memory";
  EXPECT_GT(Searched({fork, "Background saving error"}).Matches().front().score,
            Searched({fork}).Matches().front().score);
}

TEST(Search, ALogThatTellsOfAnotherCauseGivesNoFinding) {
  EXPECT_THAT(InLog({"worker 7 timed out", "Killed"}), ElementsAre("usual killed"));
  EXPECT_THAT(InLog({"Killed", "worker 7 timed out"}), ElementsAre("usual killed"));
}

TEST(Search, AnErrnoInALanguagesWordsSaysWhatTheErrnoSays) {
  EXPECT_THAT(InLog({"OSError: [Errno 12] Cannot allocate memory"}),
              AllOf(Contains("errno python-fork"), Contains("errno redis-fork")));
  EXPECT_THAT(InLog({"    self.pid = os.fork()", "OSError: [Errno 12] Cannot allocate memory"}),
              ElementsAre("message python-fork"));
}

TEST(Search, ASymptomOfOneWordMustBeTheWholeLine) {
  EXPECT_THAT(InLog({"Killed"}), ElementsAre("message killed"));
  EXPECT_THAT(InLog({"the session was killed by its owner"}), IsEmpty());
}

TEST(Search, AnErrnoAloneGivesCandidatesAndOnlyWhereNothingBetterIs) {
  EXPECT_THAT(InLog({"nginx: malloc: Cannot allocate memory"}),
              ElementsAre("errno redis-fork", "errno any-fork", "errno blocks", "errno python-fork"));
  EXPECT_THAT(InLog({"nginx: malloc: Cannot allocate memory", "# MISCONF unable to persist"}),
              ElementsAre("message redis-fork"));
}

TEST(Search, AnErrnoOfManyCausesNeedsAWordOfTheIncidentBesideIt) {
  EXPECT_THAT(InLog({"recv: Resource temporarily unavailable"}), IsEmpty());
  EXPECT_THAT(InLog({"worker: Resource temporarily unavailable"}), IsEmpty()) << "a word of its title";
  EXPECT_THAT(InLog({"clone: Resource temporarily unavailable"}), ElementsAre("errno threads"));
  EXPECT_THAT(InLog({"fork(): Resource temporarily unavailable"}), ElementsAre("errno threads"));
  EXPECT_THAT(InWords("EAGAIN"), ElementsAre("errno threads"));
}

TEST(Search, AnErrnoThatNoIncidentShowsMatchesNothing) {
  for (const char* words :
       {"EMFILE", "Too many open files", "No space left on device", "Connection refused"}) {
    EXPECT_THAT(InWords(words), IsEmpty()) << words;
    EXPECT_THAT(InLog({words}), IsEmpty()) << words;
  }
}

TEST(Search, WordsMustMostlyBeOfTheIncident) {
  EXPECT_THAT(InWords("redis background"), ElementsAre("words redis-fork"));
  EXPECT_THAT(InWords("redis replication link broken"), IsEmpty());
  EXPECT_THAT(InWords("of the"), IsEmpty());
}

TEST(Search, SaysWhenNoWordCanTellIncidentsApart) {
  const std::vector<CatalogueEntry> entries = Catalogue();
  const SearchIndex index(entries);
  Search search(index);
  EXPECT_FALSE(search.AddWords(""));
  EXPECT_FALSE(search.AddWords("it failed, 12"));
  EXPECT_TRUE(search.AddWords("widgets"));
}

TEST(Search, RareWordsWeighMoreThanCommonOnes) {
  const std::vector<CatalogueEntry> entries = Catalogue();
  const SearchIndex index(entries);
  EXPECT_THAT(index.Weight(*index.Find("misconf")), Gt(index.Weight(*index.Find("enomem"))));
  EXPECT_THAT(index.UnknownWeight(), Gt(index.Weight(*index.Find("misconf"))));
}

TEST(Search, KeepsTheStrongestLineAndCountsTheOthers) {
  const Searched searched({"nothing", "fork: Cannot allocate memory", "again: fork: Cannot allocate memory",
                           "clone of x: fork: Cannot allocate memory"});
  ASSERT_FALSE(searched.Matches().empty());
  const SearchMatch& best = searched.Matches().front();
  EXPECT_EQ(best.line.number, 2U);
  EXPECT_EQ(best.line.text, "fork: Cannot allocate memory");
  EXPECT_EQ(best.line.lines, 3U);
  EXPECT_EQ(best.symptom, "fork: Cannot allocate memory");
}

TEST(Search, SeveralSymptomsOfOneIncidentAddUp) {
  const std::string fork = "Can't save in background: fork: Cannot allocate memory";
  const double one = Searched({fork}).Matches().front().score;
  EXPECT_GT(Searched({fork, "MISCONF unable to persist"}).Matches().front().score, one);
  EXPECT_EQ(Searched({fork, fork}).Matches().front().score, one) << "the same again is no more evidence";
}

TEST(Search, KeepsNoMoreOfALineThanItShows) {
  const std::string line = "fork: Cannot allocate memory " + std::string(100000, 'x');
  EXPECT_EQ(Searched({line}).Matches().front().line.text.size(), Search::kLongestShown);
}

TEST(Search, StandsAnyBytes) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes += static_cast<char>(byte);
  }
  EXPECT_THAT(InLog({bytes, "\xff\xfe fork: Cannot allocate memory \x80"}), ElementsAre("message any-fork"));
}

TEST(SymptomPattern, EscapesAllThatIsNoLetter) {
  EXPECT_EQ(PatternOfSymptom("a.b <n>", false), R"((?i)a\x2eb\s+.*?)");
  EXPECT_EQ(PatternOfSymptom("a<b", false), R"((?i)a\x3cb)");
}

}  // namespace
}  // namespace brink
