#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include "golden/compare.hpp"
#include "golden/pytorch.hpp"

/// Whole networks against PyTorch: predictions, loss, gradients, and steps of training.

using namespace mlp;

namespace {

// A number of a pass results from a chain of sums over units and samples (one rounding of half an epsilon for
// each term) and of functions within four epsilon. No weight exceeds 1, so a layer multiplies the error
// before it at most by its number of units; the networks have at most 18 units and 7 samples.
template <class S>
constexpr double pass_bound = 4 * (18 + 7) * static_cast<double>(std::numeric_limits<S>::epsilon());

template <class S, class T>
auto targets(const golden::Network<T>& expected, Index outputs) {
  if constexpr (std::is_integral_v<T>) return Labels(golden::matrix<int>(expected.t, expected.samples, 1));
  else return golden::matrix<S>(expected.t, outputs, expected.samples);
}

template <class Net>
void set_parameters(Net& net, std::span<const double> theta) {
  REQUIRE(static_cast<std::size_t>(net.parameter_count()) == theta.size());
  net.parameters() = golden::matrix<typename Net::Scalar>(theta, net.parameter_count(), 1);
}

template <class Net, class T>
void check_passes(Net net, const golden::Network<T>& expected) {
  using S = typename Net::Scalar;
  constexpr double bound = pass_bound<S>;
  set_parameters(net, expected.parameters);
  const auto x = golden::matrix<S>(expected.x, net.inputs(), expected.samples);
  const auto t = targets<S>(expected, net.outputs());

  CHECK(golden::worst_error(net.predict(x), expected.predictions) <= bound);
  CHECK(std::abs(static_cast<double>(net.loss(x, t)) - expected.loss) <= bound);
  auto ws = net.workspace();
  Vector<S> gradient;
  Matrix<S> input_gradient;
  const S value = net.loss_and_gradient(x, t, ws, gradient, input_gradient);
  CHECK(std::abs(static_cast<double>(value) - expected.loss) <= bound);
  CHECK(golden::worst_error(gradient, expected.gradient) <= bound);
  CHECK(golden::worst_error(input_gradient, expected.input_gradient) <= bound);
}

template <class S>
using TanhLabels = BasicMlp<S, SoftmaxCrossEntropy, Dense<4, 5, Tanh>, Dense<5, 3>>;
template <class F = Identity>
using Sized = Dense<Dynamic, Dynamic, F>;

}  // namespace

TEST_CASE("PyTorch: 4-5-3, tanh, labels") {
  check_passes(TanhLabels<double>{}, golden::tanh_labels);
  check_passes(BasicMlp<double, SoftmaxCrossEntropy, Sized<Tanh>, Sized<>>{Sized<Tanh>{4, 5}, Sized<>{5, 3}},
               golden::tanh_labels);
  check_passes(TanhLabels<float>{}, golden::tanh_labels);
}

TEST_CASE("PyTorch: 4-6-5-3, leaky ReLU and sigmoid, probabilities") {
  using A = LeakyReLU;
  using B = Sigmoid;
  using C = SoftmaxCrossEntropy;
  check_passes(BasicMlp<double, C, Dense<4, 6, A>, Dense<6, 5, B>, Dense<5, 3>>{},
               golden::deep_probabilities);
  check_passes(
      BasicMlp<double, C, Sized<A>, Dense<6, 5, B>, Sized<>>{Sized<A>{4, 6}, Dense<6, 5, B>{}, Sized<>{5, 3}},
      golden::deep_probabilities);
  check_passes(BasicMlp<float, C, Dense<4, 6, A>, Dense<6, 5, B>, Dense<5, 3>>{}, golden::deep_probabilities);
}

TEST_CASE("PyTorch: 3-4-2, sigmoid, mean squared error") {
  check_passes(BasicMlp<double, MeanSquaredError, Dense<3, 4, Sigmoid>, Dense<4, 2>>{}, golden::sigmoid_mse);
  check_passes(
      BasicMlp<double, MeanSquaredError, Sized<Sigmoid>, Sized<>>{Sized<Sigmoid>{3, 4}, Sized<>{4, 2}},
      golden::sigmoid_mse);
}

TEST_CASE("PyTorch: 3-5-1, tanh, binary cross-entropy") {
  check_passes(BasicMlp<double, BinaryCrossEntropy, Dense<3, 5, Tanh>, Dense<5, 1>>{}, golden::tanh_bce);
  check_passes(BasicMlp<double, BinaryCrossEntropy, Sized<Tanh>, Sized<>>{Sized<Tanh>{3, 5}, Sized<>{5, 1}},
               golden::tanh_bce);
}

// Each step adds the error of a pass, times a rate of at most 1/2, and keeps the earlier error: on these data
// a descent step brings neighboring parameters closer together.
TEST_CASE_TEMPLATE("PyTorch: 60 steps of stochastic gradient descent", S, float, double) {
  constexpr double bound = 60 * pass_bound<S> / 2;
  const auto& data = golden::tanh_labels;
  const auto x = golden::matrix<S>(data.x, 4, data.samples);
  const auto t = targets<S>(data, 3);
  for (const golden::Trajectory* expected :
       {&golden::sgd, &golden::sgd_momentum, &golden::sgd_nesterov, &golden::sgd_decay}) {
    CAPTURE(expected->learning_rate);
    CAPTURE(expected->momentum);
    CAPTURE(expected->weight_decay);
    CAPTURE(expected->nesterov);
    TanhLabels<S> net;
    set_parameters(net, data.parameters);
    Trainer trainer(net, Sgd{.learning_rate = expected->learning_rate,
                             .momentum = expected->momentum,
                             .weight_decay = expected->weight_decay,
                             .nesterov = expected->nesterov});
    Vector<S> losses(60);
    for (S& loss : losses) loss = trainer.step(x, t);
    CHECK(golden::worst_error(losses, expected->losses) <= bound);
    CHECK(golden::worst_error(net.parameters(), expected->parameters) <= bound);
  }
}
