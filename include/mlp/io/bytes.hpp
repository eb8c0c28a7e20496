#pragma once

#include <mlp/base/bit_cast.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>

/// Numbers in the bytes of files, little-endian on every machine.
namespace mlp::inline MLP_ABI::detail {

template <std::unsigned_integral Bits>
Bits from_little_endian(const char* bytes) {
  Bits value = 0;
  for (std::size_t i = sizeof(Bits); i-- > 0;) {
    value = static_cast<Bits>(std::uint64_t{value} << 8 | static_cast<unsigned char>(bytes[i]));
  }
  return value;
}

template <std::unsigned_integral Bits>
void to_little_endian(Bits value, char* bytes) {
  for (std::size_t i = 0; i < sizeof(Bits); ++i) bytes[i] = static_cast<char>(value >> 8 * i & 0xFF);
}

// IEEE 754 binary16: a sign, 5 bits of exponent, 10 bits of mantissa.
inline float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const auto magnitude = [&]() -> float {
    if (exponent == 0) return std::ldexp(static_cast<float>(mantissa), -24);
    if (exponent < 31) return std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
    return mantissa == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  };
  return (bits >> 15) != 0 ? -magnitude() : magnitude();
}

// The upper half of a float.
inline float from_bfloat16(std::uint16_t bits) { return detail::bit_cast<float>(std::uint32_t{bits} << 16); }

}  // namespace mlp::inline MLP_ABI::detail
