#include <mlp/base/bit_cast.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using namespace mlp;

TEST_CASE("bit_cast: the same bits as another type, in a constant expression") {
  static_assert(detail::bit_cast<std::uint32_t>(-2.f) == 0xc0000000);
  static_assert(detail::bit_cast<double>(std::uint64_t{0x3ff8000000000000}) == 1.5);
  CHECK(detail::bit_cast<std::uint64_t>(std::numeric_limits<double>::denorm_min()) == 1);
}
