#include <mlp/base/printable.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace mlp;

TEST_CASE("printable: plain text is unchanged") {
  CHECK(printable("") == "");
  CHECK(printable("a b~") == "a b~");
  CHECK(printable("\u00A0\u00E9\u0100\u4E2D\U0001F600") == "\u00A0\u00E9\u0100\u4E2D\U0001F600");
  CHECK(detail::in_quotes("a b") == "\"a b\"");
}

TEST_CASE("printable: control characters are replaced") {
  CHECK(printable("\x1B[31m\n\x7F\r\t") == "?[31m????");
  CHECK(printable(std::string("a\0b", 3)) == "a?b");
  CHECK(printable("a\u009B31m\u0080 ") == "a?31m? ");
  CHECK(printable("a\u202Eb\u2066c\u2069d\u200Fe\u061Cf\u2028g") == "a?b?c?d?e?f?g");
  for (std::uint32_t code : {0x1Fu, 0x7Fu, 0x80u, 0x9Fu, 0x2028u, 0x202Eu, 0x2066u, 0x2069u, 0x200Eu}) {
    CHECK(detail::is_command(code));
  }
  for (std::uint32_t code : {0x20u, 0x7Eu, 0xA0u, 0x2027u, 0x202Fu, 0x2065u, 0x206Au, 0x200Du}) {
    CHECK_FALSE(detail::is_command(code));
  }
}

TEST_CASE("printable: bytes that are not UTF-8") {
  CHECK(printable("\x9B"
                  "31m") == "?31m");     // C1 in Latin-1
  CHECK(printable("a\xC2") == "a?");     // truncated
  CHECK(printable("\xE2\x80") == "??");  // U+2028 without its last byte
  CHECK(printable("\xC0\x9B") == "??");  // overlong
  CHECK(printable("\xE0\x82\x9B") == "???");
  CHECK(printable("\xED\xA0\x80") == "???");       // half a surrogate pair
  CHECK(printable("\xF4\x90\x80\x80") == "????");  // beyond U+10FFFF
  CHECK(printable("\xF8\xFF") == "??");
  CHECK(printable("\xC2z\x80") == "?z?");
}

TEST_CASE("printable: long text is cut") {
  CHECK(printable(std::string(40, 'a')) == std::string(40, 'a'));
  CHECK(printable(std::string(41, 'a')) == std::string(40, 'a') + "...");
  CHECK(printable(std::string(39, 'a') + "\u00E9") ==
        std::string(39, 'a') + "...");  // not cut within a character
  CHECK(printable(std::string(38, 'a') + "\u00E9") == std::string(38, 'a') + "\u00E9");
  CHECK(printable(std::string(50, '\n')) == std::string(40, '?') + "...");
  CHECK(printable("abc", 2) == "ab...");
}
