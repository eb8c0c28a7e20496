#include <mlp/kernel/multiply_add.hpp>

#include <doctest/doctest.h>

using namespace mlp;

TEST_CASE("multiply_add rounds once where the processor has fused multiply-adds") {
  [[maybe_unused]] const double a = 1 + 0x1p-30, square = a * a;
#ifdef EIGEN_VECTORIZE_FMA
  CHECK(detail::multiply_add(a, a, -square) == 0x1p-60);
#endif
}
