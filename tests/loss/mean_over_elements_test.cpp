#include <mlp/loss/mean_over_elements.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>

using namespace mlp;

namespace {

// l = w (y - t)^2, with w = 1 unless it is given.
constexpr auto squares = [](const auto& y, const auto& t, auto& dy, const auto&... w) {
  using T = std::remove_cvref_t<decltype(dy)>;
  const T e = y - t;
  dy = ((2 * e) * ... * w);
  return T(((e * e) * ... * w));
};

}  // namespace

// Integers, whose sums are exact in any order; less than one tile, one and several tiles.
TEST_CASE("mean and mean_and_gradient: by hand, with and without weights") {
  for (const Index k : {1, 3, 16, 35}) {
    for (const Index b : {1, 4}) {
      CAPTURE(k);
      CAPTURE(b);
      const auto matrix = [=](auto f) -> Matrix<double> {
        return Matrix<double>::NullaryExpr(k, b,
                                           [=](Index i, Index j) { return static_cast<double>(f(i, j)); });
      };
      const Matrix<double> y = matrix([](Index i, Index j) { return 2 * i - j; }),
                           t = matrix([](Index i, Index j) { return i + j; }),
                           w = matrix([](Index i, Index) { return i % 3 + 1; });
      const Matrix<double> e = y - t;
      const auto size = static_cast<double>(k * b);
      Matrix<double> dy(k, b);

      const double plain = e.array().square().sum() / size;
      CHECK(detail::mean(squares, y, t) == plain);
      CHECK(std::abs(detail::mean_and_gradient(squares, y, t, dy) - plain) <= 1e-15 * plain);
      CHECK((dy - 2 / size * e).cwiseAbs().maxCoeff() <= 1e-15 * e.cwiseAbs().maxCoeff());

      const double weighted = (w.array() * e.array().square()).sum() / size;
      CHECK(detail::mean(squares, y, t, w) == weighted);
      CHECK(std::abs(detail::mean_and_gradient(squares, y, t, dy, w) - weighted) <= 1e-15 * weighted);
      CHECK((dy - 2 / size * w.cwiseProduct(e)).cwiseAbs().maxCoeff() <= 3e-15 * e.cwiseAbs().maxCoeff());
    }
  }
}
