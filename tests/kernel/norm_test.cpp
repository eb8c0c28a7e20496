#include <mlp/kernel/norm.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace mlp;

namespace {

template <class S>
constexpr double epsilon = static_cast<double>(std::numeric_limits<S>::epsilon());
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE_TEMPLATE("norm: computed by hand, for any size and any place of a coefficient", S, float, double) {
  CHECK(norm(Vector<S>(0)) == 0);
  for (const Index n : {1, 2, 15, 16, 17, 40, 100}) {
    CAPTURE(n);
    // sum i^2 = n (n + 1) (2n + 1) / 6, exactly
    const Vector<S> v = Vector<S>::LinSpaced(n, S(1), static_cast<S>(n));
    const auto m = static_cast<double>(n);
    CHECK(norm(v) == std::sqrt(m * (m + 1) * (2 * m + 1) / 6));
    for (Index i = 0; i < n; ++i) CHECK(norm(v(i) * Vector<S>::Unit(n, i)) == static_cast<double>(v(i)));
  }
  const Eigen::Matrix<S, 2, 1> fixed(3, -4);
  CHECK(norm(fixed) == 5);
  CHECK(norm(Vector<S>(Vector<S>::LinSpaced(9, 0, 8)).segment(3, 2)) == 5);
}

TEST_CASE_TEMPLATE("norm: large and small numbers, nan and infinity", S, float, double) {
  constexpr S largest = std::numeric_limits<S>::max() / 8, smallest = std::numeric_limits<S>::denorm_min();
  for (const S scale : {largest, std::numeric_limits<S>::min(), smallest}) {
    const Vector<S> v = Vector<S>::Constant(36, scale);
    CAPTURE(scale);
    CHECK(std::abs(norm(v) / 6 - static_cast<double>(scale)) <=
          4 * epsilon<double> * static_cast<double>(scale));
  }
  for (const Index i : {0, 17, 39}) {
    Vector<S> v = Vector<S>::Ones(40);
    v(i) = static_cast<S>(-infinity);
    CHECK(norm(v) == infinity);
    v(i) = static_cast<S>(not_a_number);
    CHECK(std::isnan(norm(v)));
  }
}
