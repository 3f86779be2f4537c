// SPDX-License-Identifier: MIT
#include "sandbox/shell_talk.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace brink {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

TEST(ShellTalk, AnyBytesComeThroughAMessage) {
  const nlohmann::json message{{"bytes", TextOfBytes(AllBytes())}};
  const auto arrived = nlohmann::json::parse(message.dump());
  EXPECT_EQ(BytesOfText(arrived["bytes"].get<std::string>()).value(), AllBytes());
}

TEST(ShellTalk, PlainTextStaysAsItIs) { EXPECT_EQ(TextOfBytes("ls -l\n"), "ls -l\n"); }

TEST(ShellTalk, ALetterThatIsNoByteIsNonsense) {
  for (const char* text : {"\xE2\x82\xAC", "\xC4\x80", "\xC3", "\x80", "\xC3x"}) {
    EXPECT_FALSE(BytesOfText(text)) << text;
  }
}

}  // namespace
}  // namespace brink
