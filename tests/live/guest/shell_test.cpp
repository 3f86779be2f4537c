// SPDX-License-Identifier: MIT
// `brink guest shell`: the machine of a scenario, by hand.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "guest_fixture.h"

namespace brink::live {
namespace {

using nlohmann::json;

/// In a scenario's own machine, brink runs what needs a machine of its own.
TEST_F(GuestTest, TheShellsMachineIsTheScenarios) {
  const std::string file = Write("own", R"(
machine: {memory: 384MiB, swap: 64MiB, sysctl: {vm.panic_on_oom: 1}}
processes:
  target: {run: [/bin/sh, -c, 'set -- $(grep -E "MemTotal|SwapTotal" /proc/meminfo); test $2 -lt 400000 && test $5 -gt 60000']}
expect: {target: {outcome: survived}}
)");
  const Ended ended = Shell(
      "echo \"$BRINK run $PWD/own.yaml --format json --out run >run.json\" | "
      "exec $BRINK guest shell own.yaml --out shared");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  const json document = ExpectOneDocument(ReadText(Path("shared/run.json")));
  ASSERT_TRUE(document.is_object()) << ended.output << ended.errors;
  const json& result = document["results"][0];
  EXPECT_EQ(result["sandbox"], "host") << result.dump(1);
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  ExpectAsBefore(before_, {});
}

/// On a terminal, which script(1) makes; a Ctrl-C is the guest's.
TEST_F(GuestTest, AShellOnATerminalPromptsAndItsInterruptsAreItsOwn) {
  // Each prompt is waited for: a machine that boots may lose what it is told.
  const Ended ended = Shell(R"(
cat >talk <<'TALK'
await() {
  while IFS= read -r -d "#" said <&4; do
    printf "%s#" "$said"
    case $said in *guest:*) return ;; esac
  done
}
script -qec "$1 guest shell --memory 512MiB --out shared" /dev/null <in >out &
exec 3>in 4<out
await
echo "sh -c 'trap \"echo interrupted >said; exit\" INT; printf \"gue%s#\" st:; while :; do sleep 0.1; done'" >&3
await
printf '\003' >&3
await
echo 'exit' >&3
cat <&4
wait $!
TALK
mkfifo in out && exec bash talk "$BRINK"
)");
  EXPECT_EQ(ended.status, 0) << ended.output << ended.errors;
  EXPECT_EQ(ReadText(Path("shared/said")), "interrupted\n") << ended.output;
}

TEST_F(GuestTest, AShellAtTheEndOfAPipeReadsItToItsEndAndItsStatusIsBrinks) {
  const Ended ended = Shell(R"(
head -c 200000 /dev/urandom >bytes
{ echo 'echo "of $(uname -n) in $PWD" && echo to errors >&2 && echo kept >file'
  echo 'sleep 1000 & cat >&2 /proc/$$/oom_score_adj; cat; exit 7'
  cat bytes; } | $BRINK guest shell --memory 512MiB --out shared 2>errors >output
echo status $?
head -n 1 output
tail -n +2 output | cmp - bytes && echo same
)");
  const std::string errors = ReadText(Path("errors"));
  EXPECT_EQ(ended.output, "status 7\nof brink-guest in " + Path("shared") + "\nsame\n") << errors;
  EXPECT_THAT(errors, testing::EndsWith("to errors\n0\n"));
  EXPECT_EQ(ReadText(Path("shared/file")), "kept\n");
  EXPECT_TRUE(AwaitNoGuest(Path("shared")));
}

TEST_F(GuestTest, AShellThatLeavesAWriterBehindStillTellsItsErrors) {
  const Ended ended = Shell(
      "echo 'yes & echo failed >&2; exit 3' | $BRINK guest shell --memory 512MiB --out shared >/dev/null");
  EXPECT_EQ(ended.status, 3) << ended.errors;
  EXPECT_THAT(ended.errors, testing::HasSubstr("failed\n"));
}

TEST_F(GuestTest, AShellWithoutInputEndsAtOnceAndOneWhoseReaderLeavesDoesToo) {
  EXPECT_EQ(Shell("exec $BRINK guest shell --memory 512MiB --out shared </dev/null").status, 0);
  const Ended left = Shell(
      "{ echo 'yes; echo yes ended by $? >file' | $BRINK guest shell --memory 512MiB --out "
      "shared; } | head -n 1");
  EXPECT_EQ(left.output, "y\n") << left.errors;
  EXPECT_EQ(ReadText(Path("shared/file")), "yes ended by 141\n") << left.errors;
}

TEST_F(GuestTest, AShellWhoseMachineIsLostSaysHow) {
  const Ended ended =
      Shell("echo 'echo c >/proc/sysrq-trigger' | $BRINK guest shell --memory 512MiB --out shared");
  EXPECT_EQ(ended.status, 4);
  EXPECT_THAT(ended.errors,
              testing::AllOf(testing::HasSubstr("the guest was lost: the guest's kernel panicked"),
                             testing::HasSubstr("shared/guest-console.log")));
}

TEST_F(GuestTest, AnInterruptEndsAShellAtTheEndOfAPipeAndItsGuest) {
  const Ended ended = Shell(R"(
mkfifo in out
$BRINK guest shell --memory 512MiB --out shared <in >out 2>errors &
exec 3>in 4<out
echo 'echo here; sleep 1000' >&3
read -r said <&4
kill -INT $!
wait $!
echo status $?
)");
  EXPECT_EQ(ended.output, "status 130\n") << ReadText(Path("errors"));
  EXPECT_THAT(ReadText(Path("errors")), testing::HasSubstr("interrupted; the guest is gone"));
  EXPECT_TRUE(AwaitNoGuest(Path("shared")));
}

TEST_F(GuestTest, AMachineThatCannotBeIsRefusedBeforeItBoots) {
  // A kernel of the test's own: nothing is fetched, and nothing in it could boot.
  const std::string kernel = Path("cache/kernels/sid");
  std::filesystem::create_directories(kernel);
  std::ofstream(kernel + "/facts") << "release=6.99\ncgroup_v1_memory=no\n";
  std::ofstream(kernel + "/vmlinux") << "none";
  std::filesystem::create_directory(kernel + "/modules");
  ::setenv("BRINK_CACHE", Path("cache").c_str(), 1);
  const Ended old = Brink({"guest", "shell", "--kernel", "sid", "--cgroup", "v1", "--out", Path("shared")});
  const Ended large = Brink({"guest", "shell", "--memory", "1000000GiB", "--out", Path("shared")});
  const std::string huge =
      Write("huge", "machine: {memory: 1000000GiB}\nprocesses: {p: {run: [/bin/true]}}\n");
  const Ended run = Run({huge});
  ::unsetenv("BRINK_CACHE");
  EXPECT_EQ(old.status, 4);
  EXPECT_THAT(old.errors,
              testing::AllOf(testing::HasSubstr("sid is built without the memory controller of cgroup v1"),
                             testing::HasSubstr("take cgroup v2")));
  EXPECT_EQ(large.status, 4);
  EXPECT_THAT(large.errors, testing::HasSubstr("does not fit here: this machine has "));
  EXPECT_EQ(run.status, 3) << run.errors;
  EXPECT_THAT(run.errors, testing::HasSubstr("does not fit here: this machine has "));
  EXPECT_EQ(Boots(folder_), 0);
}

TEST_F(GuestTest, AShellForCasesOfSeveralMachinesMustBeToldWhich) {
  const std::string file = Write("several", R"(
processes: {target: {run: [/bin/true]}}
cases:
  small: {machine: {memory: 384MiB}}
  large: {machine: {memory: 512MiB}}
)");
  const Ended ended = Brink({"guest", "shell", file, "--out", Path("shared")});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.errors, testing::HasSubstr("the cases small and large run in different machines"));
  EXPECT_THAT(Brink({"guest", "shell", "--case", "small"}).errors, testing::HasSubstr("name its FILE too"));
}

}  // namespace
}  // namespace brink::live
