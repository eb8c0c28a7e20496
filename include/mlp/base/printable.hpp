#pragma once

#include <mlp/base/abi.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Text that came from a file, made fit for a terminal or a log.
namespace mlp::inline MLP_ABI {

namespace detail {

// The first UTF-8 character of the text; size 0 if its bytes are not valid UTF-8.
// Source: The Unicode Standard 15.0, table 3-7.
struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;
};
inline Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(text[i])}; };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (size == 0 || size > text.size()) return {};
  std::uint32_t code = first & (0xFFu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool is_shortest = size == 2 || code >= (size == 3 ? 0x800u : 0x10000u);
  const bool is_character = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  return is_shortest && is_character ? Character{code, size} : Character{};
}

// Controls, ends of lines, and marks that change the direction in which text is written.
constexpr bool is_command(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace detail

/// The text with "?" for each control character (C0, C1), end of a line, mark of writing direction, and byte
/// that is no UTF-8: it can neither command a terminal nor pass for another text. After `most_bytes` bytes it
/// ends, between two characters, in "...".
/// All text from a file goes through here before it is shown.
inline std::string printable(std::string_view text, std::size_t most_bytes = 40) {
  std::string result;
  while (!text.empty()) {
    const auto [code, size] = detail::first_character(text);
    const std::size_t length = size == 0 ? 1 : size;
    if (length > most_bytes) return result + "...";
    most_bytes -= length;
    if (size == 0 || detail::is_command(code)) result += '?';
    else result += text.substr(0, size);
    text.remove_prefix(length);
  }
  return result;
}

namespace detail {

inline std::string in_quotes(std::string_view text) { return "\"" + printable(text) + "\""; }

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
