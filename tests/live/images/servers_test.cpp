// SPDX-License-Identifier: MIT
// The servers out of the images that this machine has, by the scenarios of containers/examples: each starts,
// is ready, answers, and is named in the verdict with its version; on the host and in a guest.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "cli/cli_fixture.h"
#include "sandbox/images.h"
#include "sandbox/kernels.h"

namespace brink::live {
namespace {

using nlohmann::json;

/// An image, and the package of its server.
struct Server {
  const char* image;
  const char* package;
};

const std::vector<Server> kServers{{"mariadb", "mariadb-server"},
                                   {"memcached", "memcached"},
                                   {"postgresql", "postgresql-15"},
                                   {"prometheus", "prometheus"},
                                   {"redis", "redis-server"}};

void PrintTo(const Server& server, std::ostream* out) { *out << server.image; }

bool IsBuilt(const Server& server) {
  const auto places = DefaultImagePlaces();
  return places && FindImage(server.image, *places);
}

std::string ExampleOf(const Server& server) {
  return fmt::format("{}/{}.yaml", BRINK_EXAMPLES, server.image);
}

void ExpectServed(const json& result, const Server& server) {
  EXPECT_EQ(result["scenario"], fmt::format("image-{}", server.image));
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  ASSERT_EQ(result["images"].size(), 1U) << result.dump(1);
  EXPECT_EQ(result["images"][0]["name"], server.image);
  EXPECT_NE(result["images"][0]["packages"].value(server.package, ""), "") << result["images"].dump(1);
}

class ImageServers : public CliTest {
 protected:
  /// The smallest is made where none is, in about half a minute, so that there is always one to test.
  static void SetUpTestSuite() {
    const auto places = DefaultImagePlaces();
    if (places && ::geteuid() == 0 && !FindImage("memcached", *places)) {
      const auto made = MakeImage("memcached", {}, *places);
      why_not_ = made ? "" : made.error().message + "; " + made.error().remedy;
    }
  }
  void SetUp() override {
    CliTest::SetUp();
    patience_ = std::chrono::minutes(10);
  }
  /// What to do about an image that is not there.
  [[nodiscard]] static std::string Remedy(const std::string& image) {
    return fmt::format("`brink image build {}`{}{}", image,
                       why_not_.empty() ? "" : "; memcached: ", why_not_);
  }

  inline static std::string why_not_;
};

class ImageServer : public ImageServers, public testing::WithParamInterface<Server> {};

TEST_P(ImageServer, AnswersOnTheHost) {
  if (!IsBuilt(GetParam())) {
    GTEST_SKIP() << "the image is not there: " << Remedy(GetParam().image);
  }
  const Ended ended = Run({ExampleOf(GetParam()), "--sandbox", "host"});
  const json document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), 1U) << ended.errors;
  ExpectServed(document["results"][0], GetParam());
}

INSTANTIATE_TEST_SUITE_P(Each, ImageServer, testing::ValuesIn(kServers),
                         [](const auto& of) { return std::string(of.param.image); });

/// All in one guest: its boot is most of the time.
TEST_F(ImageServers, AnswerInAGuest) {
  std::vector<std::string> words;
  std::vector<Server> built;
  for (const Server& server : kServers) {
    if (IsBuilt(server)) {
      words.push_back(ExampleOf(server));
      built.push_back(server);
    }
  }
  if (built.empty()) {
    GTEST_SKIP() << "no image is there: " << Remedy("memcached");
  }
  if (const auto kernel = FetchKernel("debian-12", {}); !kernel) {
    GTEST_SKIP() << "no kernel for guests: " << kernel.error().message;
  }
  words.insert(words.end(), {"--sandbox", "vm"});
  const Ended ended = Run(words);
  const json document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), built.size()) << ended.errors;
  for (std::size_t at = 0; at < built.size(); ++at) {
    EXPECT_EQ(document["results"][at]["sandbox"], "vm");
    ExpectServed(document["results"][at], built[at]);
  }
}

/// A shipped case of a package that, as far as its brink can see, this machine lacks.
TEST_F(ImageServers, StandInInAGuestForAPackageThatIsNotInstalled) {
  if (::geteuid() != 0 || !IsBuilt({"memcached", "memcached"})) {
    GTEST_SKIP() << "needs root, and the image: " << Remedy("memcached");
  }
  if (const auto kernel = FetchKernel("debian-12", {}); !kernel) {
    GTEST_SKIP() << "no kernel for guests: " << kernel.error().message;
  }
  const Ended ended = Shell(R"(export BRINK; exec unshare --mount sh -c '
awk -v RS= -v ORS="\n\n" "!/^Package: memcached\n/" /var/lib/dpkg/status > status &&
mount --bind status /var/lib/dpkg/status &&
exec $BRINK run )" BRINK_SCENARIOS R"(/memcached --case reported --sandbox vm --format json')");
  const json document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), 1U) << ended.errors;
  const json& result = document["results"][0];
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  ASSERT_EQ(result["images"].size(), 1U) << result.dump(1);
  EXPECT_EQ(result["images"][0]["name"], "memcached");
}

}  // namespace
}  // namespace brink::live
