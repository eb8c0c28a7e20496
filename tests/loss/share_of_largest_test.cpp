#include <mlp/loss/share_of_largest.hpp>

#include <doctest/doctest.h>

using namespace mlp;

TEST_CASE("share_of_largest: for labels, and for a matrix of targets") {
  const Matrix<float> y{{1, 0, 5, -3}, {2, 0, 4, -1}, {3, 1, 3, -2}};
  CHECK(detail::share_of_largest(y, Labels{{2, 2, 0, 1}}) == 1);
  CHECK(detail::share_of_largest(y, Labels{{2, 1, 0, 0}}) == 0.5f);
  CHECK(detail::share_of_largest(y, Labels{{0, 0, 1, 0}}) == 0);
  const Matrix<float> t{{0, 0.25f, 1, 0.5f}, {0, 0.25f, 0, 0.25f}, {1, 0.5f, 0, 0.25f}};
  CHECK(detail::share_of_largest(y, t) == 0.75f);
}

TEST_CASE("share_of_largest: among equal outputs the first counts") {
  const Matrix<double> y{{1, 2}, {1, 2}};
  CHECK(detail::share_of_largest(y, Labels{{0, 1}}) == 0.5);
}
