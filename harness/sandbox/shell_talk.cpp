// SPDX-License-Identifier: MIT
#include "sandbox/shell_talk.h"

namespace brink {
namespace {

// UTF-8 (RFC 3629): the letters from U+0080 to U+00FF have two bytes, 110000xx 10xxxxxx.
constexpr unsigned kPlain = 0x80;
constexpr unsigned kLead = 0xc0;
constexpr unsigned kLeadMask = 0xfc;
constexpr unsigned kNext = 0x80;
constexpr unsigned kNextMask = 0xc0;
constexpr unsigned kNextBits = 6;

}  // namespace

std::string TextOfBytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char letter : bytes) {
    const unsigned byte = static_cast<unsigned char>(letter);
    if (byte < kPlain) {
      text += letter;
    } else {
      text += static_cast<char>(kLead | (byte >> kNextBits));
      text += static_cast<char>(kNext | (byte & ~kNextMask));
    }
  }
  return text;
}

Result<std::string> BytesOfText(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const unsigned first = static_cast<unsigned char>(text[at]);
    if (first < kPlain) {
      bytes += text[at];
      continue;
    }
    const unsigned next = ++at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    if ((first & kLeadMask) != kLead || (next & kNextMask) != kNext) {
      return Fail("the channel carries nonsense: a text that stands for no bytes");
    }
    bytes += static_cast<char>((first << kNextBits) | (next & ~kNextMask));
  }
  return bytes;
}

}  // namespace brink
