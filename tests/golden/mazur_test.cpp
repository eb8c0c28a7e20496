#include <mlp/activation/sigmoid.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "golden/compare.hpp"

/// Matt Mazur, A Step by Step Backpropagation Example (2015): a network of 2-2-2 sigmoid units whose numbers
/// he works out by hand. check_mazur() in make_golden.py computes them anew.
///
/// i1 --w1-- h1 --w5-- o1    w2 leads from i2 to h1, w3 from i1 to h2, w4 from i2 to h2; w6 from h2 to o1, w7
/// from
///    \    /    \    /       h1 to o2, w8 from h2 to o2. All units of a layer have the same bias. A row of W
///    holds
///      \/        \/         what leads to one unit:
///      /\        /\             W = | w1 w2 |    V = | w5 w6 |
///    /    \    /    \               | w3 w4 |        | w7 w8 |
/// i2 --w4-- h2 --w8-- o2    theta = w1 w3 w2 w4, b1 b1, w5 w7 w6 w8, b2 b2
///
/// His error is 1/2 sum (target - out)^2: with two outputs, MeanSquaredError.
TEST_CASE("Mazur's worked example") {
  using namespace mlp;
  using Net = BasicMlp<double, MeanSquaredError, Dense<2, 2, Sigmoid>, Dense<2, 2, Sigmoid>>;
  const Matrix<double> x{{0.05}, {0.10}}, t{{0.01}, {0.99}};
  Net net;
  net.weights<0>() << 0.15, 0.20, 0.25, 0.30;
  net.bias<0>() << 0.35, 0.35;
  net.weights<1>() << 0.40, 0.45, 0.50, 0.55;
  net.bias<1>() << 0.60, 0.60;
  CHECK(golden::worst_error(net.parameters(), std::vector{0.15, 0.25, 0.20, 0.30, 0.35, 0.35, 0.40, 0.50,
                                                          0.45, 0.55, 0.60, 0.60}) == 0);

  // Numbers of 9 digits are accurate to half a unit of the last, numbers of 8 digits likewise.
  constexpr double nine = 0.5e-9, eight = 0.5e-8;
  const Matrix<double> out = net.predict(x);
  CHECK(std::abs(out(0) - 0.75136507) <= eight);
  CHECK(std::abs(out(1) - 0.772928465) <= nine);
  CHECK(std::abs(net.loss(x, t) - 0.298371109) <= nine);

  auto ws = net.workspace();
  Vector<double> gradient;
  net.loss_and_gradient(x, t, ws, gradient);
  gradient.segment<2>(4).setZero();  // he does not update the biases
  gradient.segment<2>(10).setZero();
  net.parameters() -= 0.5 * gradient;
  const auto W = net.weights<0>(), V = net.weights<1>();
  CHECK(std::abs(W(0, 0) - 0.149780716) <= nine);
  CHECK(std::abs(W(0, 1) - 0.19956143) <= eight);
  CHECK(std::abs(W(1, 0) - 0.24975114) <= eight);
  CHECK(std::abs(W(1, 1) - 0.29950229) <= eight);
  CHECK(std::abs(V(0, 0) - 0.35891648) <= eight);
  CHECK(std::abs(V(0, 1) - 0.408666186) <= nine);
  CHECK(std::abs(V(1, 0) - 0.511301270) <= nine);
  CHECK(std::abs(V(1, 1) - 0.561370121) <= nine);
  CHECK(std::abs(net.loss(x, t) - 0.291027774) <= nine);
}
