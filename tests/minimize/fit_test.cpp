#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/minimize/fit.hpp>
#include <mlp/minimize/lbfgs.hpp>
#include <mlp/minimize/levenberg_marquardt.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <algorithm>
#include <concepts>
#include <limits>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

static_assert(FullBatchOptimizer<Lbfgs> && FullBatchOptimizer<Lbfgs, double>);
static_assert(FullBatchOptimizer<LevenbergMarquardt> && FullBatchOptimizer<LevenbergMarquardt, double>);
static_assert(!FullBatchOptimizer<Sgd> && !Optimizer<Lbfgs> && !Optimizer<LevenbergMarquardt>);

namespace {

using Curve = BasicMlp<double, MeanSquaredError, Dense<1, 5, Tanh>, Dense<5, 1>>;

// A hundred points of sin(5 x) + x / 2.
template <class S = double>
Dataset<Matrix<S>, S> wave() {
  Dataset<Matrix<S>, S> data{Matrix<S>(1, 100), Matrix<S>(1, 100)};
  data.x.row(0).setLinSpaced(100, -1, 1);
  data.t = ((5 * data.x.array()).sin() + data.x.array() / 2).matrix();
  return data;
}

// Three clusters that overlap, so that a linear classifier has a best theta.
Dataset<Labels, double> overlapping() {
  auto data = clusters<double>(60);
  Rng rng{3};
  for (Index i = 0; i < data.x.size(); ++i) data.x.data()[i] += 1.5 * rng.normal();
  return data;
}

// A user-defined optimizer.
struct OneStep {
  template <class Theta>
  MinimizeResult minimize(auto&& f, Theta& theta, auto&&) const {
    Vector<typename Theta::Scalar> gradient;
    f(theta, gradient);
    theta -= 0.1 * gradient;
    return {.loss = static_cast<double>(f(theta)), .evaluations = 2};
  }
};

}  // namespace

TEST_CASE("a linear regression is solved: exactly one theta has no error") {
  using Line = BasicMlp<double, MeanSquaredError, Dense<3, 2>>;
  const Line truth = initialized<Line>(5);
  Dataset<Matrix<double>> data{Matrix<double>(3, 40), {}};
  Rng rng{6};
  fill(data.x, [&] { return rng.normal(); });
  data.t = truth.infer(data.x);
  const auto check = [&](const auto& optimizer) {
    Line net;
    const MinimizeResult found = fit(net, data, optimizer);
    CHECK(found.converged());
    CHECK((net.parameters() - truth.parameters()).cwiseAbs().maxCoeff() <= 1e-6);
  };
  check(Lbfgs{});
  check(LevenbergMarquardt{});
}

TEST_CASE("a logistic regression, which is convex: the loss is least where the gradient is 0") {
  using Logistic = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 3>>;
  Logistic net;
  const auto data = overlapping();
  const MinimizeResult found = fit(net, data, Lbfgs{.change_tolerance = 0});
  CHECK(found.reason == StopReason::gradient_tolerance);
  auto ws = net.workspace(data.size());
  Vector<double> gradient;
  CHECK(net.loss_and_gradient(data.x, data.t, ws, gradient) == found.loss);
  CHECK(gradient.cwiseAbs().maxCoeff() == found.max_gradient);
  CHECK(found.loss > 0.1);
  CHECK(found.loss < 1);
}

// Each evaluation counts as one: of the loss with its gradient, of the loss alone, or of the curvature; and
// so does a step of Sgd.
TEST_CASE(
    "a curve is fitted closer than by gradient descent with momentum in the same number of evaluations") {
  const auto data = wave();
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto start = initialized<Curve>(seed);
    double sgd = 1;
    for (const double learning_rate : {0.01, 0.03, 0.1}) {  // at 0.3 it diverges
      Curve net = start;
      fit(net, data, Sgd{.learning_rate = learning_rate, .momentum = 0.9},
          {.epochs = 400, .batch_size = 100});
      sgd = std::min(sgd, evaluate(net, data).loss);
    }
    Curve by_lbfgs = start, by_lm = start;
    const MinimizeResult lbfgs = fit(by_lbfgs, data, Lbfgs{.max_evaluations = 400});
    const MinimizeResult lm = fit(by_lm, data, LevenbergMarquardt{.max_evaluations = 400});
    MESSAGE("400 evaluations: Sgd " << sgd << ", Lbfgs " << lbfgs.loss << ", LevenbergMarquardt " << lm.loss);
    CHECK(lbfgs.loss < sgd / 20);
    CHECK(lm.loss < sgd / 1000);
    CHECK(lbfgs.loss == doctest::Approx(evaluate(by_lbfgs, data).loss).epsilon(1e-12));
    CHECK(lm.loss == doctest::Approx(evaluate(by_lm, data).loss).epsilon(1e-12));
  }
}

TEST_CASE_TEMPLATE("the network holds each iteration's parameters, and finally the best", Opt, Lbfgs,
                   LevenbergMarquardt) {
  const auto data = wave<float>();
  auto net = initialized<Mlp<MeanSquaredError, Dense<1, 5, Tanh>, Dense<5, 1>>>();
  Objective objective(net, data);
  MinimizeResult last;
  const MinimizeResult found = fit(net, data, Opt{.max_iterations = 30}, [&](const MinimizeResult& now) {
    CHECK(now.iterations == last.iterations + 1);
    CHECK(objective(Vector<float>(net.parameters())) == doctest::Approx(now.loss).epsilon(1e-6));
    last = now;
    return now.iterations < 20;
  });
  CHECK(found.reason == StopReason::callback);
  CHECK(found.history == last.history);
  CHECK(found.history.size() == 20);
  CHECK(found.loss == *std::min_element(found.history.begin(), found.history.end()));
  CHECK(objective(Vector<float>(net.parameters())) == static_cast<float>(found.loss));
}

TEST_CASE_TEMPLATE("static and dynamic sizes give the same bits", Opt, Lbfgs, LevenbergMarquardt) {
  const auto data = wave<float>();
  auto fixed = initialized<Mlp<MeanSquaredError, Dense<1, 5, Tanh>, Dense<5, 1>>>();
  Mlp<MeanSquaredError, Dense<Dynamic, Dynamic, Tanh>, Dense<Dynamic, Dynamic>> dynamic({1, 5}, {5, 1});
  dynamic.parameters() = fixed.parameters();
  CHECK(fit(fixed, data, Opt{.max_iterations = 20}).history ==
        fit(dynamic, data, Opt{.max_iterations = 20}).history);
  CHECK(dynamic.parameters() == fixed.parameters());
}

TEST_CASE("a user-defined optimizer") {
  auto net = initialized<Curve>();
  const auto data = wave();
  const double before = evaluate(net, data).loss;
  const MinimizeResult found = fit(net, data, OneStep{});
  CHECK(found.loss < before);
  CHECK(found.loss == doctest::Approx(evaluate(net, data).loss).epsilon(1e-12));
}

TEST_CASE("bad data and options leave the parameters unchanged") {
  auto net = initialized<Curve>();
  const Vector<double> before = net.parameters();
  auto data = wave();
  CHECK(message_of([&] { fit(net, data, Lbfgs{.history_size = -1}); }) ==
        "Lbfgs: expected history_size > 0, found -1");
  CHECK(message_of([&] { fit(net, data, LevenbergMarquardt{.damping = -1}); }) ==
        "LevenbergMarquardt: expected damping > 0, found -1");
  CHECK(message_of([&] { fit(net, Dataset<Matrix<double>>{}, Lbfgs{}); }) ==
        "fit: expected at least one sample, found none");
  CHECK(message_of([&] {
          fit(net, Dataset{data.x, data.t.leftCols(7)}, Lbfgs{});
        }) == "fit: expected a target for each of 100 samples, found 7");
  CHECK(message_of([&] {
          fit(net, Dataset{data.x, Matrix<double>::Zero(2, 100)}, LevenbergMarquardt{});
        }).find("found 2") != std::string::npos);
  CHECK(message_of([&] {
          fit(net, Dataset{Matrix<double>(2, 100), data.t}, LevenbergMarquardt{});
        }).find("found 2") != std::string::npos);
  data.x(0, 3) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<std::runtime_error>([&] {
          fit(net, data, Lbfgs{});
        }).find("Lbfgs: expected a finite loss and gradient at the start, found nan") == 0);
  CHECK(message_of<std::runtime_error>([&] {
          fit(net, data, LevenbergMarquardt{});
        }).find("LevenbergMarquardt: expected a finite loss and gradient at the start, found nan") == 0);
  CHECK(net.parameters() == before);
}
