// SPDX-License-Identifier: MIT
// What machines read: the JSON document, JUnit XML, the exit status.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "judge/schema_check.h"
#include "report/report.h"
#include "sample_report.h"

namespace brink {
namespace {

using Json = nlohmann::json;
using testing::MetVerdict;
using testing::SampleReport;
using testing::SchemaComplaints;
using testing::UnknownVerdict;
using testing::UnmetVerdict;

TEST(ResultJson, KeepsItsSchema) { EXPECT_EQ(SchemaComplaints(FormatJson(SampleReport())), ""); }

TEST(ResultJson, TellsOfTheGuest) {
  RunReport report = SampleReport();
  Verdict& guest = report.results[0];
  guest.sandbox = "vm";
  guest.outcome = Outcome::kMachinePanicked;
  guest.kernel = "6.1.0";
  guest.guest_kernel = "debian-12";
  guest.cgroup_version = "v2";
  guest.guest = GuestRecord{.kernel = "debian-12",
                            .accelerator = "tcg",
                            .time_scale = 4.5,
                            .lost = "panicked",
                            .lost_detail = "out of memory",
                            .console = {"Kernel panic"}};
  report.results[1].outcome = Outcome::kNotApplicable;
  EXPECT_EQ(SchemaComplaints(FormatJson(report)), "");
  const Json document = Json::parse(FormatJson(report));
  EXPECT_EQ(document["results"][0]["guest"]["time_scale"], 4.5);
  EXPECT_EQ(document["results"][0]["guest_kernel"], "debian-12");
  EXPECT_EQ(document["results"][1]["outcome"], "not_applicable");
  EXPECT_TRUE(document["results"][1]["guest"].is_null());
}

TEST(Junit, NamesTheCellAndSkipsWhatIsNotApplicable) {
  RunReport report;
  report.results = {MetVerdict(), UnmetVerdict()};
  report.results[0].guest_kernel = report.results[1].guest_kernel = "/boot/vmlinuz:/lib/modules/6";
  report.results[0].cgroup_version = report.results[1].cgroup_version = "v1";
  report.results[1].outcome = Outcome::kNotApplicable;
  report.results[1].expected_met.reset();
  const std::string xml = FormatJunit(report);
  EXPECT_NE(xml.find("name=\"reported (vmlinuz v1)\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("skipped message=\"not applicable: "), std::string::npos) << xml;
}

TEST(ResultJson, OfARunWithoutCasesKeepsItToo) {
  RunReport report;
  report.brink_version = "0.1.0";
  report.host.cgroup_version = "none";
  report.interrupted = true;
  EXPECT_EQ(SchemaComplaints(FormatJson(report)), "");
}

TEST(ResultJson, TheSchemaRefusesWhatTheContractDoesNotKnow) {
  const auto complaints_after = [](auto change) {
    Json document = Json::parse(FormatJson(SampleReport()));
    change(document["results"][0]);
    return SchemaComplaints(document.dump());
  };
  EXPECT_NE(complaints_after([](Json& result) { result["outcome"] = "died"; }), "");
  EXPECT_NE(complaints_after([](Json& result) { result["surprise"] = 1; }), "");
  EXPECT_NE(complaints_after([](Json& result) { result.erase("reason"); }), "");
  EXPECT_NE(complaints_after([](Json& result) { result["binding_limit"]["name"] = "RLIMIT_RSS"; }), "");
  EXPECT_NE(complaints_after([](Json& result) { result["first_failure"]["errno"] = "12"; }), "");
  EXPECT_NE(complaints_after([](Json& result) { result["processes"]["server"]["exit_code"] = "14"; }), "");
}

TEST(ResultJson, HasTheContractsFields) {
  const Json document = Json::parse(FormatJson(SampleReport()));
  EXPECT_EQ(document["brink_version"], "0.1.0");
  EXPECT_EQ(document["host"]["sysctls"]["vm.max_map_count"], "65530");
  const Json& met = document["results"][0];
  EXPECT_EQ(met["case"], "reported");
  EXPECT_EQ(met["expected_met"], true);
  EXPECT_EQ(met["evidence_grade"], "kernel");
  EXPECT_EQ(met["first_failure"]["errno"], "ENOMEM");
  EXPECT_EQ(met["first_failure"]["args"][1], "0xffffffffffffffff");
  EXPECT_EQ(met["first_failure"]["arg_names"][1], "length");
  EXPECT_EQ(met["binding_limit"]["use"], 4000);
  EXPECT_EQ(met["processes"]["server"]["exit_code"], 14);
  EXPECT_TRUE(met["processes"]["server"]["signal"].is_null());
  EXPECT_TRUE(met["processes"]["server"]["killed_by"].is_null());
  const Json& unknown = document["results"][2];
  EXPECT_TRUE(unknown["expected_met"].is_null());
  EXPECT_TRUE(unknown["first_failure"].is_null());
  EXPECT_EQ(unknown["remedy"], "apt-get install redis-server");
  EXPECT_TRUE(document["results"][1]["oom_kills"][0]["limit_bytes"].is_null());
}

TEST(ResultJson, IsOneDocumentWithATrailingLineBreakWhateverATargetPrinted) {
  RunReport report = SampleReport();
  report.results[0].reason = "\xff\x1b[31m";
  const std::string text = FormatJson(report);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(SchemaComplaints(text), "");
}

TEST(ResultJson, TheSchemaIsADraft7Schema) {
  EXPECT_EQ(Json::parse(ResultJsonSchema()).at("$schema"), "http://json-schema.org/draft-07/schema#");
}

TEST(Junit, CountsInconclusiveAsSkippedAndUnmetAsFailure) {
  const std::string xml = FormatJunit(SampleReport());
  EXPECT_TRUE(
      xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                      "<testsuites name=\"brink\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" "
                      "time=\"1.200\">\n"
                      "  <testsuite name=\"munmap-enomem\" tests=\"2\" failures=\"1\" errors=\"0\" "
                      "skipped=\"0\" time=\"1.200\">\n"))
      << xml;
  EXPECT_NE(xml.find("<testcase classname=\"munmap-enomem\" name=\"reported\" time=\"0.600\">"),
            std::string::npos);
  EXPECT_NE(xml.find("<skipped message=\"inconclusive: redis-server is not installed\"/>"),
            std::string::npos);
  EXPECT_NE(xml.find("<failure message=\"server: was killed\">"), std::string::npos);
}

TEST(Junit, EscapesWhatXmlCannotHold) {
  RunReport report;
  report.results = {UnknownVerdict()};
  report.results[0].reason = "a<b & \"c\"\x01\x1b\xff\xEF\xBF\xBF";
  const std::string xml = FormatJunit(report);
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_NE(xml.find("inconclusive: a&lt;b &amp; &quot;c&quot;" + r + r + r + r + "\""), std::string::npos)
      << xml;
}

TEST(ExitCodeOf, TellsUnmetFromInconclusiveFromInterrupted) {
  RunReport report;
  EXPECT_EQ(ExitCodeOf(report), 0);
  report.results = {MetVerdict()};
  EXPECT_EQ(ExitCodeOf(report), 0);
  report.results.push_back(UnknownVerdict());
  EXPECT_EQ(ExitCodeOf(report), 3);
  report.results.push_back(UnmetVerdict());
  EXPECT_EQ(ExitCodeOf(report), 1);
  report.interrupted = true;
  EXPECT_EQ(ExitCodeOf(report), 130);
}

}  // namespace
}  // namespace brink
