#include <mlp/io/bytes.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

using namespace mlp::detail;

TEST_CASE("little-endian byte order") {
  const std::string bytes = "\x01\xFF\x03\x84";
  CHECK(from_little_endian<std::uint32_t>(bytes.data()) == 0x8403FF01);
  CHECK(from_little_endian<std::uint16_t>(bytes.data() + 1) == 0x03FF);
  std::string written(4, ' ');
  to_little_endian(std::uint32_t{0x8403FF01}, written.data());
  CHECK(written == bytes);
}

TEST_CASE("16-bit floating-point numbers") {
  // IEEE 754: one, the largest, the smallest normal and subnormal, minus two.
  CHECK(from_half(0x3C00) == 1);
  CHECK(from_half(0x7BFF) == 65504);
  CHECK(from_half(0x0400) == 0x1p-14f);
  CHECK(from_half(0x0001) == 0x1p-24f);
  CHECK(from_half(0xC000) == -2);
  CHECK(from_half(0xFC00) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(from_half(0x7E00)));
  CHECK(std::signbit(from_half(0x8000)));
  CHECK(from_bfloat16(0x3FC0) == 1.5f);
}
