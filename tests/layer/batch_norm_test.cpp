#include <doctest/doctest.h>

#include <mlp/layer/batch_norm.hpp>

#include <mlp/base/random.hpp>

#include <cmath>
#include <limits>

#include "layer/check_layer.hpp"
#include "layer/check_norm.hpp"
#include "message_of.hpp"

using namespace mlp;

TEST_CASE_TEMPLATE("BatchNorm: values, gradients and running statistics of PyTorch", S, float, double) {
  check_norm<S>(BatchNorm<19>(), golden::batch_norm);
  check_norm<S>(BatchNorm<Dynamic>(19), golden::batch_norm);
  check_norm<S>(BatchNorm<19>(0.125, 0.25), golden::batch_norm_options);
  check_norm<S>(BatchNorm<Dynamic>(19, 0.125, 0.25), golden::batch_norm_options);
}

TEST_CASE("BatchNorm: gradients") {
  check_layer_gradients(BatchNorm<19>(), BatchNorm<Dynamic>(19));
  check_layer_gradients(BatchNorm<3>(), BatchNorm<Dynamic>(3));
}

TEST_CASE("BatchNorm: numbers at the documented limits") {
  for (const float scale : {1e18f, 1.f, 1e-18f}) {
    Alone<float, BatchNorm<6>> alone{BatchNorm<6>()};
    const Matrix<float> x = scale * normal_numbers<float>(6, 5);
    const Matrix<float> y = alone.forward(x);
    CHECK(y.allFinite());
    CHECK(alone.backward(x, y, x).allFinite());
    if (scale > 1) CHECK(y.isApprox(alone.forward(normal_numbers<float>(6, 5)), 1e-3f));  // up to epsilon
  }
}

TEST_CASE("BatchNorm: small differences of large numbers") {
  constexpr Index n = 5, samples = 300;
  Alone<float, BatchNorm<n>> alone{BatchNorm<n>()};
  for (const float offset : {1e4f, -1e6f}) {
    const Matrix<float> x = ((offset / 1e4f) * normal_numbers<float>(n, samples).array() + offset).matrix();
    const Matrix<float> y = alone.forward(x);
    for (Index i = 0; i < n; ++i) {
      const Vector<double> wide = x.row(i).transpose().cast<double>();
      const double mean = wide.mean();
      const Vector<double> d = (wide.array() - mean).matrix();
      const double deviation = std::sqrt(d.squaredNorm() / samples + 1e-5);
      // Rounding the mean to float shifts all results by at most half a unit in its last place.
      const double bound =
          std::abs(mean) * static_cast<double>(std::numeric_limits<float>::epsilon()) / deviation;
      CHECK((y.row(i).transpose().cast<double>() - d / deviation).cwiseAbs().maxCoeff() <= bound);
    }
  }
  // Constant data give exactly 0.
  CHECK(alone.forward(Matrix<float>::Constant(n, 7, 12345.678f)).isZero(0));
}

TEST_CASE("BatchNorm: a single sample has a prediction, but no variance for training") {
  const BasicMlp<float, MeanSquaredError, BatchNorm<3>> net;
  auto ws = net.workspace(1);
  const Matrix<float> x = normal_numbers<float>(3, 1);
  CHECK(message_of([&] { net.forward(x, ws); }) ==
        "BatchNorm: expected at least two samples in a training batch, found 1");
  CHECK(net.predict(x).size() == 3);
}

TEST_CASE("BatchNorm: parameters and state") {
  static_assert(BatchNorm<2>::parameter_count() == 4 && BatchNorm<2>::state_count() == 4);
  const BatchNorm<Dynamic> layer(2);
  CHECK(layer.parameter_count() == 4);
  CHECK(layer.state_count() == 4);
  Vector<float> theta(4), state(4);
  Rng rng;
  layer.initialize(theta, rng);
  layer.initialize_state(state);
  CHECK(theta == Vector<float>{{1, 1, 0, 0}});
  CHECK(state == Vector<float>{{0, 0, 1, 1}});
  layer.weights(theta)(1) = 5;
  layer.bias(theta)(0) = 7;
  CHECK(theta == Vector<float>{{1, 5, 7, 0}});
  layer.running_mean(state)(1) = 5;
  layer.running_variance(state)(0) = 7;
  CHECK(state == Vector<float>{{0, 5, 7, 1}});
  layer.mark_weights(theta);
  CHECK(theta.isZero(0));
  CHECK(rng == Rng());
}

TEST_CASE("BatchNorm: momentum 0 never moves the running statistics, 1 replaces them by the last batch's") {
  const Matrix<double> x{{1, 3}, {-2, 6}};
  const auto state_after_step = [&](double momentum) -> Vector<double> {
    BasicMlp<double, MeanSquaredError, BatchNorm<2>> net(BatchNorm<2>(1e-5, momentum));
    auto ws = net.workspace();
    net.forward(x, ws);
    net.update_state(ws);
    return net.state();
  };
  CHECK(state_after_step(0) == Vector<double>{{0, 0, 1, 1}});
  CHECK(state_after_step(1) == Vector<double>{{2, 2, 2, 32}});
}

TEST_CASE("BatchNorm: a size too large for the stack") {
  constexpr int n = 40'000;
  BasicMlp<float, MeanSquaredError, BatchNorm<n>> net;
  CHECK(net.state().size() == 2 * n);
  auto ws = net.workspace();
  net.forward(normal_numbers<float>(n, 2), ws);
  net.update_state(ws);
  const Matrix<float> x = normal_numbers<float>(n, 1);
  CHECK(net.predict(x).allFinite());
}

TEST_CASE("BatchNorm: options out of range") {
  const auto nan = std::nan("");
  CHECK(message_of([] { BatchNorm<3>(0); }) == "BatchNorm: expected epsilon > 0, found 0");
  CHECK(message_of([=] { BatchNorm<3>{nan}; }).find("expected epsilon > 0") != std::string::npos);
  CHECK(message_of([] { BatchNorm<3>(1e-5, 1.5); }) == "BatchNorm: expected momentum in [0, 1], found 1.5");
  for (const double momentum : {-0.1, nan}) {
    CHECK(message_of([=] { BatchNorm<3>(1e-5, momentum); }).find("expected momentum in [0, 1]") !=
          std::string::npos);
  }
  CHECK(message_of([] { BatchNorm<Dynamic>(0); }) == "BatchNorm: expected a positive size, found 0");
  CHECK(message_of([] { BatchNorm<3>(4, 1e-5, 0.1); }) == "mlp: expected 3 as the size in the type, found 4");
}
