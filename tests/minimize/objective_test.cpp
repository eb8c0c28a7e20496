#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/views.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/minimize/objective.hpp>

#include <vector>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Classifier = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 4, Tanh>, Dense<4, 3>>;
using Regression = BasicMlp<double, MeanSquaredError, Dense<2, 4, Tanh>, Dense<4, 2>>;

Dataset<Matrix<double>> curve(Index count) {
  Dataset<Matrix<double>> data{Matrix<double>(2, count), Matrix<double>(2, count)};
  Rng rng{7};
  fill(data.x, [&] { return rng.uniform(-1, 1); });
  data.t.row(0) = (3 * data.x.row(0)).array().sin().matrix();
  data.t.row(1) = data.x.row(0).cwiseProduct(data.x.row(1));
  return data;
}

// y = x + noise, drawn anew in each training pass; its only parameter is unused.
struct Noise : Sizes<2, 2, 1> {
  template <class S>
  struct Cache {};
  void initialize(auto& theta, Rng&) const { theta.setZero(); }
  void infer(const auto&, const auto& x, auto& y) const { y = x; }
  void forward(const auto&, const auto& x, auto& y, auto&, Rng& rng) const {
    y = x;
    for (Index i = 0; i < y.size(); ++i) y.data()[i] += 0.1 * rng.normal();
  }
  void backward(const auto&, const auto&, const auto&, auto&, auto& dy, auto& dtheta, auto& dx) const {
    dtheta.setZero();
    dx = dy;
  }
};

template <class Net, class Target>
void check_against_one_batch(const Dataset<Target, double>& data, double bound) {
  const Net net = initialized<Net>(3);
  auto ws = net.workspace(data.size());
  Vector<double> expected, gradient;
  const double loss = net.loss_and_gradient(data.x, data.t, ws, expected);

  Net moved;
  Objective objective(moved, data);
  CHECK(std::abs(objective(net.parameters(), gradient) - loss) <= bound);
  CHECK((gradient - expected).cwiseAbs().maxCoeff() <= bound);
  CHECK(std::abs(objective(net.parameters()) - loss) <= bound);
  CHECK(moved.parameters() == net.parameters());
}

}  // namespace

TEST_CASE("loss and gradient equal those of one batch, for any number of pieces") {
  check_against_one_batch<Classifier>(clusters<double>(1000), 0);
  check_against_one_batch<Regression>(curve(1000), 0);
  // Sums of several thousand terms of about 1, added in another order.
  check_against_one_batch<Classifier>(clusters<double>(2500), 1e-13);
  check_against_one_batch<Regression>(curve(2500), 1e-13);
}

TEST_CASE("gradient and curvature follow from the residuals' Jacobian, whose rows come in several blocks") {
  const auto data = curve(300);
  Regression net = initialized<Regression>(3);
  const Vector<double> theta = net.parameters();
  Vector<double> expected, gradient;
  Matrix<double> curvature;
  Objective objective(net, data);
  const double loss = objective(theta, expected);
  CHECK(objective(theta, gradient, curvature) == loss);
  CHECK((gradient - expected).cwiseAbs().maxCoeff() <= 1e-14);

  Matrix<double> jacobian(600, theta.size());
  for (Index i = 0; i < theta.size(); ++i) {
    constexpr double h = 1e-5;  // central differences are off by h^2 and by epsilon / h
    net.parameters() = theta;
    net.parameters()(i) += h;
    const Matrix<double> above = net.infer(data.x);
    net.parameters()(i) -= 2 * h;
    const Matrix<double> below = net.infer(data.x);
    jacobian.col(i) = ((above - below) / (2 * h)).reshaped();
  }
  const Matrix<double> normal = jacobian.transpose() * jacobian / 300;
  const Matrix<double> error = (curvature - normal).triangularView<Eigen::Lower>();
  CHECK(error.cwiseAbs().maxCoeff() <= 1e-8);
  CHECK(normal.cwiseAbs().maxCoeff() > 0.1);
}

TEST_CASE("layers that draw random numbers draw the same ones at each call") {
  using Net = BasicMlp<double, MeanSquaredError, Noise, Dense<2, 2>>;
  Net net = initialized<Net>(3);
  const auto data = curve(50);
  Objective objective(net, data);
  const Vector<double> theta = net.parameters();
  Vector<double> first, second;
  const double loss = objective(theta, first);
  CHECK(objective(theta, second) == loss);
  CHECK(second == first);
  CHECK(objective(theta) == loss);
  CHECK(loss != net.loss(data.x, data.t));  // the loss of predictions, which have no noise
}

TEST_CASE("theta, gradient and curvature may be views of arrays") {
  const auto data = curve(20);
  Regression net = initialized<Regression>(3);
  constexpr Index n = Regression::parameter_count();
  std::vector<double> theta(net.parameters().begin(), net.parameters().end()), g(n, 7.), h(n * n, 7.);
  using Map = Eigen::Map<Vector<double>>;
  Objective objective(net, data);
  Vector<double> gradient;
  Matrix<double> curvature;
  const double loss = objective(Map(theta.data(), n), gradient, curvature);
  CHECK(objective(Map(theta.data(), n), Map(g.data(), n)) == loss);
  CHECK((Map(g.data(), n) - gradient).cwiseAbs().maxCoeff() <= 1e-14);
  CHECK(objective(Map(theta.data(), n), Map(g.data(), n), Eigen::Map<Matrix<double>>(h.data(), n, n)) ==
        loss);
  CHECK(Map(g.data(), n) == gradient);
  CHECK(Map(h.data(), n * n) == curvature.reshaped());
}

TEST_CASE("sizes and data that do not fit") {
  const auto data = curve(20);
  Regression net;
  Objective objective(net, data);
  Vector<double> theta = Vector<double>::Zero(net.parameter_count()), small(3), gradient;
  CHECK(message_of([&] { objective(small); }) == "Objective: expected 22 parameters, found 3");
  CHECK(message_of([&] { objective(theta, small.head(2)); }) ==
        "Objective: expected 22 rows of the gradient, found 2");
  CHECK(message_of([&] { objective(theta, gradient, Matrix<double>(22, 22).leftCols(3)); }) ==
        "Objective: expected 22 columns of the gradient, found 3");
  const Dataset<Matrix<double>> empty{Matrix<double>(2, 0), Matrix<double>(2, 0)};
  CHECK(message_of([&] { Objective{net, empty}; }) == "Objective: expected at least one sample, found none");
  static_assert(
      !std::is_constructible_v<Objective<Regression, Matrix<double>>, Regression&, Dataset<Matrix<double>>>);
}

TEST_CASE("weights of samples: as samples repeated that many times") {
  using Net = BasicMlp<double, MeanSquaredError, Dense<1, 4, Tanh>, Dense<4, 2>>;
  Net net = initialized<Net>();
  Dataset<Matrix<double>> weighted{Matrix<double>(1, 5), Matrix<double>(2, 5), Vector<double>(5)}, copies;
  Rng rng{3};
  fill(weighted.x, [&] { return rng.normal(); });
  fill(weighted.t, [&] { return rng.normal(); });
  weighted.weights << 1, 2, 0, 1, 3;
  const Index order[] = {0, 1, 1, 3, 4, 4, 4};
  detail::gather(weighted.x, order, 7, copies.x);
  detail::gather(weighted.t, order, 7, copies.t);
  Objective f(net, weighted), g(net, copies);
  const Vector<double> theta = net.parameters();
  Vector<double> df, dg, d;
  Matrix<double> curvature, expected;
  const double loss = g(theta, dg, expected);
  CHECK(f(theta) == doctest::Approx(loss).epsilon(1e-14));
  CHECK(f(theta, d) == doctest::Approx(loss).epsilon(1e-14));
  CHECK(f(theta, df, curvature) == doctest::Approx(loss).epsilon(1e-14));
  CHECK(d.isApprox(dg, 1e-13));
  CHECK(df.isApprox(dg, 1e-13));
  CHECK(curvature.isApprox(expected, 1e-13));
}

TEST_CASE("layers with a state are rejected") {
  BasicMlp<double, MeanSquaredError, BatchNorm<1>, Dense<1, 1>> net;
  const Dataset<Matrix<double>> data{Matrix<double>::Ones(1, 3), Matrix<double>::Ones(1, 3)};
  CHECK(message_of([&] { Objective(net, data); }) ==
        "Objective: expected 0 numbers of state (BatchNorm's, which only a Trainer's steps change), found 2");
}
