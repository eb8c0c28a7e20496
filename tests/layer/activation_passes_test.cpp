#include <mlp/activation/gelu.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/buffer.hpp>
#include <mlp/layer/activation_passes.hpp>

#include <doctest/doctest.h>

using namespace mlp;

namespace {

const Matrix<double> z{{-2, -0.5, 0, 0.25, 3}, {1, 2, -1, -3, 0.1}};

struct InputCache {
  Buffer<double, Dynamic, Dynamic> z;
};

}  // namespace

TEST_CASE("apply: f, element by element and in place; Identity leaves everything") {
  Matrix<double> y = z;
  detail::apply(Tanh{}, y);
  CHECK(y.isApprox(z.array().tanh().matrix(), 1e-14));
  y = z;
  detail::apply(Identity{}, y);
  CHECK(y == z);
}

TEST_CASE("multiply_by_derivative: delta = dy f'(z), from y alone or from the z that was kept") {
  const Matrix<double> dy{{1, 2, 3, 4, 5}, {-1, -2, -3, -4, -5}};
  const auto check = [&](const auto& f) {
    InputCache cache;
    detail::keep_input(f, z, cache);
    Matrix<double> y = z, delta = dy, above = z.array() + 1e-6, below = z.array() - 1e-6;
    detail::apply(f, y);
    detail::apply(f, above);
    detail::apply(f, below);
    detail::multiply_by_derivative(f, y, cache, delta);
    const Matrix<double> expected = dy.array() * (above - below).array() / 2e-6;
    CHECK((delta - expected).cwiseAbs().maxCoeff() < 1e-8);
    return cache.z.view().size();
  };
  CHECK(check(Tanh{}) == 0);
  CHECK(check(GELU{}) == z.size());
  CHECK(check(Identity{}) == 0);
}
