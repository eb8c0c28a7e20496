#include <mlp/dynamic/any_activation.hpp>

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/layer/dense.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

#include "message_of.hpp"

using namespace mlp;

namespace {

using Run = Dense<Dynamic, Dynamic, AnyActivation>;

Matrix<float> random_matrix(Index rows, Index cols, Rng& rng) {
  Matrix<float> x(rows, cols);
  fill(x, [&] { return rng.normal(); });
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("AnyActivation: the bits of the activation that it holds", F, Identity, ReLU, LeakyReLU,
                   ELU, SELU, GELU, SiLU, Mish, Softplus, Softsign, Sigmoid, Tanh, HardTanh) {
  using Static = Dense<Dynamic, Dynamic, F>;
  const Static layer(3, 20);
  const Run dynamic(3, 20, F{});
  Rng rng{1}, same{1};
  Vector<float> theta(layer.parameter_count()), dynamic_theta(dynamic.parameter_count());
  layer.initialize(theta, rng);
  dynamic.initialize(dynamic_theta, same);
  CHECK(dynamic_theta == theta);

  const Matrix<float> x = random_matrix(3, 2, rng);
  Matrix<float> y(20, 2), dynamic_y(20, 2), dx(3, 2), dynamic_dx(3, 2);
  auto y_view = matrix_view<Dynamic, Dynamic>(y.data(), 20, 2);
  auto dynamic_view = matrix_view<Dynamic, Dynamic>(dynamic_y.data(), 20, 2);
  typename Static::template Cache<float> cache;
  Run::Cache<float> dynamic_cache;
  layer.forward(theta, x, y_view, cache, rng);
  dynamic.forward(theta, x, dynamic_view, dynamic_cache, rng);
  CHECK(dynamic_y == y);
  Matrix<float> dy = random_matrix(20, 2, rng), dynamic_dy = dy;
  Vector<float> dtheta(theta.size()), dynamic_dtheta(theta.size());
  layer.backward(theta, x, y, cache, dy, dtheta, dx);
  dynamic.backward(theta, x, y, dynamic_cache, dynamic_dy, dynamic_dtheta, dynamic_dx);
  CHECK(dynamic_dtheta == dtheta);
  CHECK(dynamic_dx == dx);
}

TEST_CASE("AnyActivation: a tile at a time, and options that are checked") {
  Tile<float> a = Tile<float>::Constant(-2), z = a, delta = Tile<float>::Ones();
  const AnyActivation leaky = LeakyReLU{.negative_slope = 0.5}, identity;
  leaky.forward(a);
  CHECK((a == -1).all());
  leaky.backward(z, a, delta);
  CHECK((delta == 0.5f).all());
  identity.forward(a);
  CHECK((a == -1).all());
  CHECK(message_of<std::invalid_argument>([] {
          Run(1, 1, LeakyReLU{.negative_slope = -1});
        }).starts_with("LeakyReLU: expected "));
}
