// SPDX-License-Identifier: MIT
// What is kept when more happens than can be recorded.
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "recorder_fixture.h"

namespace brink {
namespace {

TEST_F(RecorderTest, StaysBoundedUnderAFlood) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  for (int event = 0; event < 100000; ++event) {
    recorder.OnEvent(Failure(100));
    recorder.OnEvent(SignalSeen{.token = 7, .sender_token = 0, .sent = {}, .at_ns = 0});
  }
  EXPECT_EQ(recorder.Record().failed_calls.size(), Recorder::kMaxFailedCallsOfKind);
  EXPECT_EQ(recorder.Record().left_out.failed_calls, 100000 - Recorder::kMaxFailedCallsOfKind);
  EXPECT_EQ(recorder.Record().signals.size(), Recorder::kMaxSignals);
  EXPECT_EQ(recorder.Record().left_out.signals, 100000 - Recorder::kMaxSignals);
  const TaskFigures figures{.token = 7,
                            .pid = 100,
                            .parent_pid = 1,
                            .comm = "server",
                            .map_count = 5,
                            .total_vm_bytes = 0,
                            .locked_bytes = 0,
                            .data_vm_bytes = 0};
  for (std::size_t sample = 0; sample < 2 * Recorder::kMaxTimeline; ++sample) {
    recorder.OnSample({figures}, {});
  }
  EXPECT_LE(recorder.Record().timeline.size(), Recorder::kMaxTimeline);
  EXPECT_GT(recorder.Record().timeline.size(), Recorder::kMaxTimeline / 4);
}

/// Beside the server of RecorderTest, that a storm of others must not hide.
class RecorderBesideAStorm : public RecorderTest {
 protected:
  RecorderBesideAStorm() {
    ProcessPlan storm;
    storm.name = "storm";
    plan_.processes.push_back(std::move(storm));
  }
  /// The server as process 100 and the storm as 200.
  Recorder& StartBoth() {
    Recorder& recorder = recorder_.emplace(plan_, roots_);
    StartServer(recorder);
    recorder.Started(recorder.AddProcess(8, "storm", &plan_.processes.back()), 8, 200);
    return recorder;
  }
  /// A thousand signals of the storm among its own.
  static void SendStorm(Recorder& recorder) {
    for (int pid = 1000; pid < 2000; ++pid) {
      recorder.OnEvent(Signal(8, pid, 10, 200));
    }
  }
  static SignalSeen Signal(WatchToken token, int pid, int signal, int sender_pid) {
    SignalSeen seen;
    seen.token = token;
    seen.sent.pid = pid;
    seen.sent.signal = signal;
    seen.sent.sender_pid = sender_pid;
    seen.at_ns = MonotonicNs();
    return seen;
  }
  static std::vector<int> SendersTo(const Evidence& evidence, int pid) {
    std::vector<int> senders;
    for (const SignalSent& sent : evidence.signals) {
      if (sent.pid == pid) {
        senders.push_back(sent.sender_pid);
      }
    }
    return senders;
  }

 private:
  std::optional<Recorder> recorder_;
};

TEST_F(RecorderBesideAStorm, TheFirstFailureOfEveryKindIsKept) {
  Recorder& recorder = StartBoth();
  for (int kind = 0; kind < 100; ++kind) {
    FailureSeen failure = Failure(300 + kind);
    failure.token = 8;
    failure.call.call = "call" + std::to_string(kind);
    for (int times = 0; times < 100; ++times) {
      recorder.OnEvent(failure);
    }
  }
  EXPECT_GT(recorder.Record().left_out.failed_calls, 0U);
  EXPECT_LE(recorder.Record().failed_calls.size(), Recorder::kMaxFailedCalls + 100);
  recorder.OnEvent(Failure(100));
  EXPECT_EQ(recorder.Record().failed_calls.back().process, "server");
}

TEST_F(RecorderBesideAStorm, TheSignalThatEndsAProcessIsKept) {
  Recorder& recorder = StartBoth();
  SendStorm(recorder);
  ASSERT_EQ(recorder.Record().signals.size(), Recorder::kMaxSignals);
  for (const int sender : {1, 2, 3, 4}) {
    recorder.OnEvent(Signal(7, 100, 15, sender));
  }
  EXPECT_THAT(SendersTo(recorder.Record(), 100), testing::ElementsAre(1, 4)) << "the first and the last";
  for (const int sender : {5, 6, 7}) {
    recorder.OnEvent(Signal(7, 100, 9, sender));
  }
  EXPECT_THAT(SendersTo(recorder.Record(), 100), testing::ElementsAre(1, 4, 5, 6));
  EXPECT_EQ(recorder.Record().left_out.signals, 1000 - Recorder::kMaxSignals + 2 + 1);
}

TEST_F(RecorderBesideAStorm, TheKillOfAChildThatIsNamedByItsEndIsKept) {
  Recorder& recorder = StartBoth();
  SendStorm(recorder);
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  recorder.OnEvent(Signal(7, 101, 9, 5));
  EXPECT_THAT(SendersTo(recorder.Record(), 101), testing::IsEmpty());
  EndSnapshot(recorder);
  EXPECT_THAT(SendersTo(recorder.Record(), 101), testing::ElementsAre(5));
  EXPECT_EQ(recorder.Record().signals.back().process, "snapshot");
  EXPECT_EQ(recorder.Record().left_out.signals, 1000 - Recorder::kMaxSignals);
}

TEST_F(RecorderBesideAStorm, TheOomKillOfANamedProcessIsKept) {
  Recorder& recorder = StartBoth();
  OomKillSeen killed;
  killed.kill.comm = "perl";
  for (int pid = 1000; pid < 2000; ++pid) {
    killed.token = pid % 2 == 0 ? 8 : 0;
    killed.kill.pid = pid;
    recorder.OnEvent(killed);
  }
  killed.token = 7;
  killed.kill.pid = 100;
  recorder.OnEvent(killed);
  const Evidence& evidence = recorder.Record();
  EXPECT_EQ(evidence.oom_kills.size(), Recorder::kMaxOomKills + 1);
  EXPECT_EQ(evidence.oom_kills.back().process, "server");
  EXPECT_EQ(evidence.left_out.oom_kills, 1000 - Recorder::kMaxOomKills);
  EXPECT_LE(evidence.processes.size(), Recorder::kMaxOomKills + 2) << "processes nobody named";

  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  killed.kill.pid = 101;
  recorder.OnEvent(killed);
  EXPECT_EQ(evidence.oom_kills.back().pid, 100) << "nobody knows yet that it is the snapshot";
  EndSnapshot(recorder);
  EXPECT_EQ(evidence.oom_kills.back().pid, 101);
  EXPECT_EQ(evidence.oom_kills.back().process, "snapshot");
  EXPECT_EQ(evidence.left_out.oom_kills, 1000 - Recorder::kMaxOomKills);
}

}  // namespace
}  // namespace brink
