// SPDX-License-Identifier: MIT
// `brink guest shell`: the machine of a scenario, by hand.
#include <gmock/gmock.h>

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
  // The prompt is waited for: a machine that boots may lose what it is told.
  const Ended ended = Shell(R"(
mkfifo in out && exec bash -c '
"$0" guest shell own.yaml --out shared <in >out &
exec 3>in 4<out
while IFS= read -r -d "#" said <&4; do
  printf "%s#" "$said"
  case $said in *guest:*) break ;; esac
done
echo "$0 run $PWD/own.yaml --format json --out run >run.json; exit" >&3
cat <&4
wait $!' "$BRINK"
)");
  const json document = ExpectOneDocument(ReadText(Path("shared/run.json")));
  ASSERT_TRUE(document.is_object()) << ended.output << ended.errors;
  const json& result = document["results"][0];
  EXPECT_EQ(result["sandbox"], "host") << result.dump(1);
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  ExpectAsBefore(before_, {});
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
