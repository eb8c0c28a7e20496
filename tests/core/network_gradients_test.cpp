#include <doctest/doctest.h>

#include <mlp/activation/sigmoid.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/core/network.hpp>
#include <mlp/derivative/gradient_check.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <stdexcept>
#include <string>

#include "core/networks.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

// A first layer without a backward pass that omits dx, and whose cache takes no batch size.
struct Scale : Sizes<4, 4, 4> {
  template <class S>
  struct Cache {};
  void initialize(auto& theta, Rng&) const { theta.setConstant(2); }
  void infer(const auto& theta, const auto& x, auto& y) const { y = theta.asDiagonal() * x; }
  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }
  void backward(const auto& theta, const auto& x, const auto&, auto&, auto& dy, auto& dtheta,
                auto& dx) const {
    dtheta = x.cwiseProduct(dy).rowwise().sum();
    dx = theta.asDiagonal() * dy;
  }
};

}  // namespace

TEST_CASE("gradients of static, dynamic and mixed networks, with respect to the inputs too") {
  const Matrix<float> x = numbers(4, 7);
  const Labels t = labels(7, 3);
  const auto check = [&](const auto& net) {
    const GradientCheck result = check_gradient(net, x, t);
    CHECK(result.worst_error <= 1e-8);
    CHECK(result.worst_input_error <= 1e-8);
  };
  check(initialized(Classifier{}));
  check(initialized(Dynamic3({4, 6}, {6, 3})));
  check(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, Dynamic, Sigmoid>, Dense<Dynamic, 3>>({4, 6}, {6, 3})));
  check(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, 3>>{}));                     // one layer
  check(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, 1, Tanh>, Dense<1, 3>>{}));  // one neuron
  check(initialized(Mlp<SoftmaxCrossEntropy, Scale, Dense<4, 3>>{}));
}

TEST_CASE("input gradients on request, and backward from the caller's gradient") {
  const auto net = initialized(Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 2>>{});
  const Matrix<float> x = numbers(4, 5), t = numbers(2, 5, 8);
  auto ws = net.workspace(5);
  Vector<float> gradient, same;
  Matrix<float> dx, same_dx;
  net.loss_and_gradient(x, t, ws, gradient, dx);
  REQUIRE(gradient.size() == net.parameter_count());
  REQUIRE(dx.rows() == 4);
  REQUIRE(dx.cols() == 5);

  const auto y = net.forward(x, ws);
  ws.output_gradient() = 2.f / 10 * (y - t);
  net.backward(x, ws, same, same_dx);
  CHECK(gradient == same);
  CHECK(dx == same_dx);
  CHECK(ws.output<0>().rows() == 6);
}

TEST_CASE("a user-defined first layer needs no second backward pass") {
  const auto net = initialized(Mlp<MeanSquaredError, Scale, Dense<4, 2>>{});
  const Matrix<float> x = numbers(4, 5), t = numbers(2, 5, 8);
  auto ws = net.workspace(5);
  Vector<float> with, without;
  Matrix<float> dx;
  net.loss_and_gradient(x, t, ws, with, dx);
  net.loss_and_gradient(x, t, ws, without);
  CHECK(with == without);
}

TEST_CASE(
    "the weight mask: 1 for weights, 0 for biases and norms, 1 for all of a layer without mark_weights") {
  const Mlp<MeanSquaredError, Dense<2, 1>, LayerNorm<1>, Dense<1, 4>, Scale> net;
  CHECK(net.weight_mask() ==
        Vector<float>{{1, 1, 0, /**/ 0, 0, /**/ 1, 1, 1, 1, 0, 0, 0, 0, /**/ 1, 1, 1, 1}});
}

TEST_CASE("a network without parameters") {
  const Mlp<MeanSquaredError, Activate<4, Tanh>, Dropout<4>> net;
  static_assert(net.parameter_count() == 0);
  const Matrix<float> x = numbers(4, 3);
  CHECK(net.predict(x).isApprox(x.array().tanh().matrix(), 1e-6f));
  const GradientCheck result = check_gradient(net, x, numbers(4, 3, 5));
  CHECK(result.worst_input_error <= 1e-8);
}

TEST_CASE("a gradient is written to contiguous coefficients of the caller, else refused") {
  const auto net = initialized(Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 2>>{});
  const Matrix<float> x = numbers(4, 5), t = numbers(2, 5, 8);
  auto ws = net.workspace(5);
  Vector<float> gradient;
  Matrix<float> dx, big = Matrix<float>::Constant(6, 9, 7);
  net.loss_and_gradient(x, t, ws, gradient, dx);
  // Some rows of a taller matrix are not contiguous.
  const auto refused = [&](auto&& block) {
    const std::string message = message_of([&] { net.loss_and_gradient(x, t, ws, gradient, block); });
    CHECK(message.find("expected room for a gradient with respect to the inputs of 4 x 5 contiguous") !=
          std::string::npos);
    CHECK((big.array() == 7).all());
  };
  refused(big.middleRows(1, 4).leftCols(5));
  refused(big.topLeftCorner(4, 5));
  refused(big.topLeftCorner<4, 5>());
  refused(big.middleCols(1, 5));
  refused(big.topLeftCorner(5, 4));

  // Columns of a matrix of the same height, and a segment of a longer vector, are.
  Matrix<float> wide = Matrix<float>::Constant(4, 9, 7);
  Vector<float> longer = Vector<float>::Constant(gradient.size() + 3, 7.f);
  net.loss_and_gradient(x, t, ws, longer.segment(2, gradient.size()), wide.middleCols(3, 5));
  CHECK(wide.middleCols(3, 5) == dx);
  CHECK((wide.leftCols(3).array() == 7).all());
  CHECK((wide.rightCols(1).array() == 7).all());
  CHECK(longer.segment(2, gradient.size()) == gradient);
  CHECK((longer.head(2).array() == 7).all());
  CHECK(longer(gradient.size() + 2) == 7);

  // A batch that does not fit leaves dx as it was.
  CHECK_THROWS_AS(net.backward(numbers(3, 5), ws, gradient, dx), std::invalid_argument);
  CHECK_THROWS_AS(net.backward(numbers(4, 6), ws, gradient, dx), std::invalid_argument);
  CHECK(dx == wide.middleCols(3, 5));

  // A single sample has a single column.
  net.loss_and_gradient(x.leftCols(1), t.leftCols(1), ws, gradient, dx);
  net.loss_and_gradient(x.leftCols(1), t.leftCols(1), ws, gradient, big.block(1, 2, 4, 1));
  CHECK(big.block(1, 2, 4, 1) == dx);
  big.block(1, 2, 4, 1).setConstant(7);
  CHECK((big.array() == 7).all());
}
