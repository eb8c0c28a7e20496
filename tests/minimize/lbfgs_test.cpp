#include <doctest/doctest.h>

#include <mlp/minimize/lbfgs.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "message_of.hpp"
#include "minimize/check_minimum.hpp"
#include "minimize/nist.hpp"

using namespace mlp;

namespace {

using V = Vector<double>;

// sum_i x_i - log x_i, undefined for x_i <= 0 and smallest at 1.
struct Barrier {
  int undefined = 0;  // number of evaluations there
  double operator()(const V& x, V& gradient) {
    undefined += !(x.minCoeff() > 0);
    gradient = 1 - x.array().inverse();
    return (x.array() - x.array().log()).sum();
  }
};

double paraboloid(const V& x, V& gradient) {
  gradient = 2 * x;
  return x.squaredNorm();
}

}  // namespace

TEST_CASE("the minima of classic problems") {
  for (const LeastSquares& problem : classic_problems()) check_finds_minimum<double>(Lbfgs{}, problem);
}

TEST_CASE("the minima of classic problems, in float") {
  for (const LeastSquares& problem : classic_problems()) {
    // On the way, Wood's function has a saddle so flat that the loss in float is constant around it.
    if (problem.name != std::string("Wood (14)")) check_finds_minimum<float>(Lbfgs{}, problem);
  }
}

TEST_CASE("certified solutions of NIST's regressions") {
  for (const LeastSquares& problem : nist::problems()) {
    // The scales of Misra1a's parameters differ too much for a method without scaling.
    if (problem.name == std::string("Misra1a")) continue;
    check_finds_certified(Lbfgs{.gradient_tolerance = 0, .change_tolerance = 0}, problem, 1e-5);
  }
}

TEST_CASE("every step meets both Wolfe conditions, for any first trial") {
  for (const double learning_rate : {1e-3, 0.3, 1., 30., 1e4}) {
    CAPTURE(learning_rate);
    for (const LeastSquares& problem : classic_problems()) {
      INFO(std::string(problem.name));
      SumOfSquares<double> f{problem};
      V theta = f.start(), before = theta, gradient_before, gradient;
      double loss_before = f(theta, gradient_before);
      const Lbfgs optimizer{.learning_rate = learning_rate, .change_tolerance = 1e-6};
      const MinimizeResult found = optimizer.minimize(f, theta, [&](const MinimizeResult& now) {
        const double loss = f(theta, gradient);
        const V step = theta - before;
        const double slope_before = gradient_before.dot(step), slope = gradient.dot(step);
        // The step is computed as a difference of thetas and is therefore rounded, as is the loss.
        constexpr double epsilon = std::numeric_limits<double>::epsilon();
        const double rounding =
            4 * epsilon *
            (gradient_before.cwiseAbs() + gradient.cwiseAbs()).dot(theta.cwiseAbs() + before.cwiseAbs());
        CHECK(slope_before < 0);
        CHECK(loss <= loss_before + 1e-4 * slope_before + rounding + 4 * epsilon * loss_before);
        CHECK(std::abs(slope) <= -0.9 * slope_before + rounding);
        CHECK(now.loss == loss);
        CHECK(now.max_gradient == gradient.cwiseAbs().maxCoeff());
        before = theta;
        gradient_before = gradient;
        loss_before = loss;
      });
      CHECK(found.iterations > 3);
    }
  }
}

TEST_CASE("if the loss is nan, the step was too long") {
  for (const double start : {1e-3, 10.}) {
    Barrier f;
    V x = V::Constant(3, start);
    CHECK(Lbfgs{.learning_rate = 1e6}.minimize(f, x).converged());
    CHECK(f.undefined > 0);
    CHECK((x.array() - 1).abs().maxCoeff() <= 1e-6);
  }
  // A loss that is infinite, and a gradient that is nan where the loss is finite.
  const auto wall = [](double loss, double gradient_beyond) {
    return [=](const V& x, V& gradient) {
      gradient = 2 * (x.array() - 1);
      if (x(0) < 3) return (x.array() - 1).square().sum();
      gradient.setConstant(gradient_beyond);
      return loss;
    };
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const auto& f : {wall(infinity, 0), wall(-infinity, 0), wall(-1, std::nan(""))}) {
    V x = V::Constant(1, -5);
    CHECK(Lbfgs{.learning_rate = 20}.minimize(f, x).converged());
    CHECK(std::abs(x(0) - 1) <= 1e-7);
  }
}

TEST_CASE("a start without slope is a minimum; from a small slope, the minimizer moves on") {
  V x = V::Zero(4);
  const MinimizeResult flat = Lbfgs{}.minimize(paraboloid, x);
  CHECK(flat.reason == StopReason::gradient_tolerance);
  CHECK(flat.iterations == 0);
  CHECK(flat.evaluations == 1);
  CHECK(x == V::Zero(4));

  const auto well = [](const V& y, V& gradient) {
    const double depth = std::exp(-y.squaredNorm() / 2);
    gradient = depth * y;
    return -depth;
  };
  V y = V::Constant(1, 5);  // the slope is 2e-5
  const MinimizeResult found = Lbfgs{}.minimize(well, y);
  CHECK(found.converged());
  CHECK(found.evaluations < 50);
  CHECK(std::abs(y(0)) <= 1e-6);
}

TEST_CASE("with a gradient of the wrong sign, the minimizer ends at the start") {
  V x = V::Constant(2, 3.);
  const auto wrong = [](const V& y, V& gradient) {
    gradient = -2 * y;
    return y.squaredNorm();
  };
  const MinimizeResult found = Lbfgs{}.minimize(wrong, x);
  CHECK(found.reason == StopReason::no_progress);
  CHECK(!found.converged());
  CHECK(found.iterations == 0);
  CHECK(x == V::Constant(2, 3.));
}

TEST_CASE("numbers near the limits of float") {
  for (const float scale : {1e-15f, 1e15f}) {
    const auto f = [scale](const Vector<float>& x, Vector<float>& gradient) {
      gradient = 2 * scale * (x.array() - 1);
      return scale * (x.array() - 1).square().sum();
    };
    Vector<float> x = Vector<float>::Constant(3, -2.f);
    const MinimizeResult found = Lbfgs{.gradient_tolerance = 0}.minimize(f, x);
    CHECK(found.reason != StopReason::max_iterations);
    CHECK((x.array() - 1).abs().maxCoeff() <= 1e-5f);
  }
}

namespace {

// -H dL/dtheta with the matrix H itself, of the last `count` pairs of s and y: Nocedal and Wright, equations 7.16
// and 7.20.
V dense_direction(const std::vector<V>& s, const std::vector<V>& y, std::size_t count, const V& gradient) {
  const Matrix<double> identity = Matrix<double>::Identity(gradient.size(), gradient.size());
  Matrix<double> h = s.back().dot(y.back()) / y.back().squaredNorm() * identity;
  for (std::size_t i = s.size() - count; i < s.size(); ++i) {
    const double rho = 1 / s[i].dot(y[i]);
    const Matrix<double> v = identity - rho * y[i] * s[i].transpose();
    h = (v.transpose() * h * v + rho * s[i] * s[i].transpose()).eval();
  }
  return -h * gradient;
}

}  // namespace

TEST_CASE("a direction is made of the last history_size pairs, no more and no less") {
  // Convex, so that each pair is kept, and of more dimensions than there are pairs.
  const auto f = [](const V& x, V& gradient) {
    const V c = V::LinSpaced(8, 1, 50);
    gradient = c.array() * x.array() + x.array().cube();
    return (c.array() * x.array().square() / 2 + x.array().square().square() / 4).sum();
  };
  for (const std::size_t history : {1u, 2u, 4u}) {
    CAPTURE(history);
    V theta = V::LinSpaced(8, 3, -2), gradient;
    std::vector<V> s, y, thetas{theta}, gradients;
    f(theta, gradient);
    gradients.push_back(gradient);
    Index differs = 0;
    const Lbfgs optimizer{.max_iterations = 9, .history_size = static_cast<Index>(history)};
    optimizer.minimize(f, theta, [&](const MinimizeResult&) {
      f(theta, gradient);
      const V step = theta - thetas.back();
      // The angle between the step and a direction.
      const auto angle = [&](const V& d) { return (step.normalized() - d.normalized()).norm(); };
      if (!s.empty()) {
        const std::size_t count = std::min(history, s.size());
        CHECK(angle(dense_direction(s, y, count, gradients.back())) <= 1e-10);
        if (count < s.size()) differs += angle(dense_direction(s, y, count + 1, gradients.back())) > 1e-4;
        if (count > 1) differs += angle(dense_direction(s, y, count - 1, gradients.back())) > 1e-4;
      }
      s.push_back(step);
      y.push_back(gradient - gradients.back());
      thetas.push_back(theta);
      gradients.push_back(gradient);
    });
    CHECK(s.size() == 9);
    CHECK(differs >= 4);
  }
}

TEST_CASE("any length of history") {
  for (const Index history_size : {1, 2, 5, 1000}) {
    check_finds_minimum<double>(Lbfgs{.history_size = history_size}, classic_problems()[1]);
  }
}

TEST_CASE("limits, and a callback that stops") {
  SumOfSquares<double> f{classic_problems()[0]};
  V theta = f.start();
  MinimizeResult found = Lbfgs{.max_iterations = 3}.minimize(f, theta);
  CHECK(found.reason == StopReason::max_iterations);
  CHECK(found.iterations == 3);
  for (Index limit = 1; limit <= 40; ++limit) {
    theta = f.start();
    found = Lbfgs{.max_evaluations = limit}.minimize(f, theta);
    CHECK(found.reason == StopReason::max_evaluations);
    CHECK(found.evaluations <= limit);
    CHECK(found.loss == f(theta));
  }
  theta = f.start();
  found = Lbfgs{}.minimize(f, theta, [](const MinimizeResult& now) { return now.iterations < 2; });
  CHECK(found.reason == StopReason::callback);
  CHECK(found.iterations == 2);
  CHECK(found.loss == f(theta));
}

TEST_CASE("a view of theta, of static size too") {
  double storage[] = {1, 2, 3};
  Lbfgs{}.minimize(paraboloid, Eigen::Map<Eigen::Vector3d>(storage));
  CHECK(std::abs(storage[2]) <= 1e-7);
}

TEST_CASE("a start that is not finite is refused") {
  Barrier f;
  V x = V::Constant(2, -1.);
  CHECK(message_of<std::runtime_error>([&] {
          Lbfgs{}.minimize(f, x);
        }).find("Lbfgs: expected a finite loss and gradient at the start, found ") == 0);
  CHECK(x == V::Constant(2, -1.));
}

TEST_CASE("defaults, and an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_NOTHROW(Lbfgs{}.validate());
  CHECK_NOTHROW(Lbfgs{.gradient_tolerance = 0, .change_tolerance = 0}.validate());
  const struct {
    Lbfgs optimizer;
    const char* message;
  } bad[] = {
      {{.learning_rate = 0}, "Lbfgs: expected learning_rate > 0, found 0"},
      {{.learning_rate = nan}, "Lbfgs: expected learning_rate > 0, found nan"},
      {{.max_iterations = 0}, "Lbfgs: expected max_iterations > 0, found 0"},
      {{.max_evaluations = -1}, "Lbfgs: expected max_evaluations >= 0, found -1"},
      {{.gradient_tolerance = -1}, "Lbfgs: expected gradient_tolerance >= 0, found -1"},
      {{.gradient_tolerance = nan}, "Lbfgs: expected gradient_tolerance >= 0, found nan"},
      {{.change_tolerance = nan}, "Lbfgs: expected change_tolerance >= 0, found nan"},
      {{.history_size = 0}, "Lbfgs: expected history_size > 0, found 0"},
  };
  for (const auto& [optimizer, message] : bad) {
    CHECK_THROWS_WITH_AS(optimizer.validate(), message, std::invalid_argument);
  }
  V x = V::Ones(1);
  CHECK_THROWS_AS(Lbfgs{.learning_rate = nan}.minimize(paraboloid, x), std::invalid_argument);
}
