#include <doctest/doctest.h>

#include <mlp/minimize/levenberg_marquardt.hpp>

#include <cmath>
#include <limits>
#include <string>

#include "message_of.hpp"
#include "minimize/check_minimum.hpp"
#include "minimize/nist.hpp"

using namespace mlp;

namespace {

using V = Vector<double>;
using M = Matrix<double>;

// (log x)^2, with the residual log x; undefined for x <= 0.
struct SquaredLogarithm {
  int undefined = 0;  // number of evaluations there
  double operator()(const V& x) {
    undefined += !(x(0) > 0);
    return std::pow(std::log(x(0)), 2);
  }
  double operator()(const V& x, V& gradient, M& curvature) {
    gradient(0) = 2 * std::log(x(0)) / x(0);
    curvature(0) = 2 / (x(0) * x(0));
    return (*this)(x);
  }
};

}  // namespace

TEST_CASE("the minima of classic problems") {
  for (const LeastSquares& problem : classic_problems()) {
    check_finds_minimum<double>(LevenbergMarquardt{}, problem);
  }
}

TEST_CASE("the minima of classic problems, in float") {
  for (const LeastSquares& problem : classic_problems()) {
    // On the way, Wood's function has a saddle so flat that the loss in float is constant around it.
    if (problem.name != std::string("Wood (14)")) check_finds_minimum<float>(LevenbergMarquardt{}, problem);
  }
}

TEST_CASE("certified solutions of NIST's regressions") {
  for (const LeastSquares& problem : nist::problems()) {
    const LevenbergMarquardt optimizer{.gradient_tolerance = 0, .change_tolerance = 0};
    check_finds_certified(optimizer, problem, 1e-5);
  }
}

TEST_CASE("linear residuals: a step without damping is the solution") {
  const M a{{1, 2}, {3, -1}, {0.5, 4}};
  const V b{{1, 2, 3}};
  struct {
    const M& a;
    const V& b;
    double operator()(const V& x) const { return (a * x - b).squaredNorm() / 2; }
    double operator()(const V& x, V& gradient, M& curvature) const {
      gradient = a.transpose() * (a * x - b);
      curvature.setConstant(std::nan(""));  // entries above the diagonal are not read
      curvature.triangularView<Eigen::Lower>() = a.transpose() * a;
      return (*this)(x);
    }
  } const f{a, b};
  V x = V::Zero(2);
  const MinimizeResult found = LevenbergMarquardt{.damping = 1e-12}.minimize(f, x);
  CHECK(found.iterations == 1);
  CHECK(found.evaluations == 3);
  // By Cramer's rule on A^T A x = A^T b, with A^T A = ((10.25, 1), (1, 21)) and A^T b = (8.5, 12).
  CHECK(std::abs(x(0) - 166.5 / 214.25) <= 1e-11);
  CHECK(std::abs(x(1) - 114.5 / 214.25) <= 1e-11);
}

TEST_CASE("if the loss is nan, the step was too long") {
  SquaredLogarithm f;
  V x = V::Constant(1, 20.);
  CHECK(LevenbergMarquardt{}.minimize(f, x).converged());
  CHECK(f.undefined > 0);
  CHECK(std::abs(x(0) - 1) <= 1e-7);
}

TEST_CASE("a parameter without effect stays unchanged, and the others are found") {
  struct {
    double operator()(const V& x) const { return std::pow(x(0) - 3, 2); }
    double operator()(const V& x, V& gradient, M& curvature) const {
      gradient << 2 * (x(0) - 3), 0;
      curvature << 2, 0, 0, 0;
      return (*this)(x);
    }
  } const f;
  double x[] = {-1, 7};
  CHECK(LevenbergMarquardt{}.minimize(f, Eigen::Map<Eigen::Vector2d>(x)).converged());
  CHECK(std::abs(x[0] - 3) <= 1e-7);
  CHECK(x[1] == 7);
}

TEST_CASE("a start without slope is a minimum; with a gradient of the wrong sign it ends at the start") {
  struct Parabola {
    double sign;
    double operator()(const V& x) const { return x.squaredNorm(); }
    double operator()(const V& x, V& gradient, M& curvature) const {
      gradient = sign * 2 * x;
      curvature.setIdentity() *= 2;
      return (*this)(x);
    }
  };
  V x = V::Zero(3);
  const MinimizeResult flat = LevenbergMarquardt{}.minimize(Parabola{1}, x);
  CHECK(flat.reason == StopReason::gradient_tolerance);
  CHECK(flat.iterations == 0);
  CHECK(flat.evaluations == 1);
  x.setOnes();
  const MinimizeResult wrong = LevenbergMarquardt{}.minimize(Parabola{-1}, x);
  CHECK(wrong.reason == StopReason::no_progress);
  CHECK(wrong.iterations == 0);
  CHECK(x == V::Ones(3));
}

TEST_CASE("limits, and a callback that stops") {
  SumOfSquares<double> f{classic_problems()[0]};
  V theta = f.start();
  MinimizeResult found = LevenbergMarquardt{.max_iterations = 3}.minimize(f, theta);
  CHECK(found.reason == StopReason::max_iterations);
  CHECK(found.iterations == 3);
  for (Index limit = 1; limit <= 25; ++limit) {
    theta = f.start();
    found = LevenbergMarquardt{.max_evaluations = limit}.minimize(f, theta);
    CHECK(found.reason == StopReason::max_evaluations);
    CHECK(found.evaluations <= limit);
    CHECK(found.loss == f(theta));
  }
  theta = f.start();
  V gradient;
  found = LevenbergMarquardt{}.minimize(f, theta, [&](const MinimizeResult& now) {
    CHECK(now.loss == f(theta, gradient));
    CHECK(now.max_gradient == gradient.cwiseAbs().maxCoeff());
    return now.iterations < 2;
  });
  CHECK(found.reason == StopReason::callback);
  CHECK(found.iterations == 2);
}

TEST_CASE("a start that is not finite is refused") {
  SquaredLogarithm f;
  V x = V::Constant(1, -1.);
  CHECK(message_of<std::runtime_error>([&] {
          LevenbergMarquardt{}.minimize(f, x);
        }).find("LevenbergMarquardt: expected a finite loss and gradient at the start, found ") == 0);
  CHECK(x(0) == -1);
}

TEST_CASE("defaults, and an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_NOTHROW(LevenbergMarquardt{}.validate());
  const struct {
    LevenbergMarquardt optimizer;
    const char* message;
  } bad[] = {
      {{.damping = 0}, "LevenbergMarquardt: expected damping > 0, found 0"},
      {{.damping = nan}, "LevenbergMarquardt: expected damping > 0, found nan"},
      {{.max_iterations = 0}, "LevenbergMarquardt: expected max_iterations > 0, found 0"},
      {{.max_evaluations = -1}, "LevenbergMarquardt: expected max_evaluations >= 0, found -1"},
      {{.gradient_tolerance = nan}, "LevenbergMarquardt: expected gradient_tolerance >= 0, found nan"},
      {{.change_tolerance = -1}, "LevenbergMarquardt: expected change_tolerance >= 0, found -1"},
  };
  for (const auto& [optimizer, message] : bad) {
    CHECK_THROWS_WITH_AS(optimizer.validate(), message, std::invalid_argument);
  }
  SquaredLogarithm f;
  V x = V::Ones(1);
  CHECK_THROWS_AS(LevenbergMarquardt{.damping = nan}.minimize(f, x), std::invalid_argument);
}
