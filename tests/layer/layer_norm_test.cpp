#include <doctest/doctest.h>

#include <mlp/layer/layer_norm.hpp>

#include <mlp/base/random.hpp>

#include <cmath>
#include <limits>

#include "layer/check_layer.hpp"
#include "layer/check_norm.hpp"
#include "message_of.hpp"

using namespace mlp;

TEST_CASE_TEMPLATE("LayerNorm: values and gradients of PyTorch", S, float, double) {
  check_norm<S>(LayerNorm<19>(), golden::layer_norm);
  check_norm<S>(LayerNorm<Dynamic>(19), golden::layer_norm);
  check_norm<S>(LayerNorm<19>(0.125), golden::layer_norm_options);
  check_norm<S>(LayerNorm<Dynamic>(19, 0.125), golden::layer_norm_options);
}

TEST_CASE("LayerNorm: gradients") {
  check_layer_gradients(LayerNorm<19>(), LayerNorm<Dynamic>(19));
  check_layer_gradients(LayerNorm<3>(), LayerNorm<Dynamic>(3));
  check_layer_gradients(LayerNorm<1>(), LayerNorm<Dynamic>(1));
}

TEST_CASE("LayerNorm: numbers at the documented limits") {
  for (const float scale : {1e18f, 1.f, 1e-18f}) {
    Alone<float, LayerNorm<6>> alone{LayerNorm<6>()};
    const Matrix<float> x = scale * normal_numbers<float>(6, 5);
    const Matrix<float> y = alone.forward(x);
    CHECK(y.allFinite());
    CHECK(alone.backward(x, y, x).allFinite());
    if (scale > 1) CHECK(y.isApprox(alone.forward(normal_numbers<float>(6, 5)), 1e-3f));  // up to epsilon
  }
}

TEST_CASE("LayerNorm: small differences of large numbers") {
  constexpr Index n = 300;
  Alone<float, LayerNorm<n>> alone{LayerNorm<n>()};
  for (const float offset : {1e4f, -1e6f}) {
    const Matrix<float> x = ((offset / 1e4f) * normal_numbers<float>(n, 5).array() + offset).matrix();
    const Matrix<double> wide = x.cast<double>();
    const Matrix<float> y = alone.forward(x);
    CHECK(y == alone.infer(x));
    for (Index j = 0; j < 5; ++j) {
      const double mean = wide.col(j).mean();
      const Vector<double> d = (wide.col(j).array() - mean).matrix();
      const double deviation = std::sqrt(d.squaredNorm() / n + 1e-5);
      // Rounding the mean to float shifts all results by at most half a unit in its last place.
      const double bound =
          std::abs(mean) * static_cast<double>(std::numeric_limits<float>::epsilon()) / deviation;
      CHECK((y.col(j).cast<double>() - d / deviation).cwiseAbs().maxCoeff() <= bound);
    }
  }
  // Constant data give exactly 0.
  CHECK(alone.forward(Matrix<float>::Constant(n, 2, 12345.678f)).isZero(0));
}

TEST_CASE("LayerNorm: parameters are gamma, initially 1, then beta, 0; none is a weight") {
  static_assert(LayerNorm<3>::parameter_count() == 6);
  const LayerNorm<3> layer;
  Vector<float> theta(6);
  Rng rng;
  layer.initialize(theta, rng);
  CHECK(theta == Vector<float>{{1, 1, 1, 0, 0, 0}});
  layer.weights(theta)(2) = 5;
  layer.bias(theta)(0) = 7;
  CHECK(theta == Vector<float>{{1, 1, 5, 7, 0, 0}});
  layer.mark_weights(theta);
  CHECK(theta.isZero(0));
  CHECK(rng == Rng());
}

TEST_CASE("LayerNorm: options out of range") {
  CHECK(message_of([] { LayerNorm<3>(0); }) == "LayerNorm: expected epsilon > 0, found 0");
  CHECK(message_of([] { LayerNorm<3>(-1e-5); }).find("expected epsilon > 0") != std::string::npos);
  CHECK(message_of([] { LayerNorm<3>(std::nan("")); }).find("expected epsilon > 0") != std::string::npos);
  CHECK(message_of([] { LayerNorm<Dynamic>(0); }) == "LayerNorm: expected a positive size, found 0");
  CHECK(message_of([] { LayerNorm<3>(4, 1e-5); }) == "mlp: expected 3 as the size in the type, found 4");
}
