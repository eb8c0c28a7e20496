#include <mlp/base/multiply_add.hpp>

#include <doctest/doctest.h>

using namespace mlp;

namespace {

constexpr double a = 1 + 0x1p-30;
const double square = a * a;                                           // rounded
constexpr double rest = detail::has_fused_multiply_add ? 0x1p-60 : 0;  // of the square of a

}  // namespace

TEST_CASE("multiply_add rounds once where the processor has fused multiply-adds") {
  CHECK(multiply_add(a, a, -square) == rest);
  CHECK(multiply_add(a, -a, square) == -rest);
}

TEST_CASE("multiply_add of arrays: whole packets, single coefficients, expressions and scalars") {
  const auto check = [](auto zero) {
    using A = decltype(zero);
    const A x = A::Constant(a), c = A::Constant(-square);
    CHECK((multiply_add(x, x, c) == rest).all());
    CHECK((multiply_add(x + zero, a, -A::Constant(square)) == rest).all());
    CHECK((multiply_add(a, x, -square) == rest).all());
    CHECK((multiply_add(a, a, c) == rest).all());
    CHECK((multiply_add(2, x, 1) == 2 * a + 1).all());
  };
  check(Eigen::Array<double, 16, 1>(Eigen::Array<double, 16, 1>::Zero()));
  check(Eigen::Array<double, 3, 1>(Eigen::Array<double, 3, 1>::Zero()));
}

TEST_CASE("multiply_add of other scalars") {
  using A = Eigen::Array<long double, 2, 1>;
  const A x(1, 2), y(3, 4);
  CHECK((multiply_add(x, y, 1) == x * y + 1).all());
  CHECK(multiply_add(2.L, 3.L, 4.L) == 10);
}
