#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <utility>
#include <vector>

/// Sums of squares with known minima, for the minimizers.
struct LeastSquares {
  const char* name;
  std::vector<double> start;
  // r(theta) and its Jacobian, with a column for each parameter.
  void (*residuals)(const mlp::Vector<double>& theta, mlp::Vector<double>& r, mlp::Matrix<double>& jacobian);
  double minimum;                   // of sum r^2
  std::vector<double> solution{};   // the minimizing theta, if it is unique and well determined
  std::vector<double> deviation{};  // of each parameter of the solution, if it is a statistical fit
};

/// L = sum r^2 of a problem in the form that minimizers take, with dL/dtheta = 2 J^T r and curvature 2 J^T J,
/// computed in double.
template <class S>
struct SumOfSquares {
  const LeastSquares& problem;
  mlp::Vector<double> r{};
  mlp::Matrix<double> jacobian{};

  mlp::Vector<S> start() const {
    return mlp::Vector<double>::Map(problem.start.data(), static_cast<mlp::Index>(problem.start.size()))
        .template cast<S>();
  }
  S operator()(const mlp::Vector<S>& theta) {
    jacobian.resize(0, theta.size());
    problem.residuals(theta.template cast<double>(), r, jacobian);
    return static_cast<S>(r.squaredNorm());
  }
  S operator()(const mlp::Vector<S>& theta, mlp::Vector<S>& gradient) {
    const S loss = (*this)(theta);
    gradient = (2 * jacobian.transpose() * r).cast<S>();
    return loss;
  }
  S operator()(const mlp::Vector<S>& theta, mlp::Vector<S>& gradient, mlp::Matrix<S>& curvature) {
    const S loss = (*this)(theta, gradient);
    curvature = (2 * jacobian.transpose() * jacobian).cast<S>();
    return loss;
  }
};

/// Source: Moré, Garbow and Hillstrom, Testing Unconstrained Optimization Software (1981); numbers as there.
inline const std::vector<LeastSquares>& classic_problems() {
  using V = mlp::Vector<double>;
  using M = mlp::Matrix<double>;
  // (21), which is (1) for two parameters.
  static constexpr auto rosenbrock = [](const V& x, V& r, M& j) {
    const mlp::Index n = x.size();
    r.resize(n);
    j.setZero(n, n);
    for (mlp::Index i = 0; i < n; i += 2) {
      r(i) = 10 * (x(i + 1) - x(i) * x(i));
      r(i + 1) = 1 - x(i);
      j(i, i) = -20 * x(i);
      j(i, i + 1) = 10;
      j(i + 1, i) = -1;
    }
  };
  std::vector<double> start20;
  for (int i = 0; i < 10; ++i) start20.insert(start20.end(), {-1.2, 1});

  static const std::vector<LeastSquares> problems{
      {"Rosenbrock", {-1.2, 1}, rosenbrock, 0, {1, 1}},
      {"Rosenbrock, 20 parameters", start20, rosenbrock, 0, std::vector<double>(20, 1)},
      {"Powell's singular function (13)",
       {3, -1, 0, 1},
       [](const V& x, V& r, M& j) {
         const double a = x(1) - 2 * x(2), b = x(0) - x(3), s5 = std::sqrt(5.), s10 = std::sqrt(10.);
         r = V{{x(0) + 10 * x(1), s5 * (x(2) - x(3)), a * a, s10 * b * b}};
         j = M{{1, 10, 0, 0}, {0, 0, s5, -s5}, {0, 2 * a, -4 * a, 0}, {2 * s10 * b, 0, 0, -2 * s10 * b}};
       },
       0},
      {"Beale (5)",
       {1, 1},
       [](const V& x, V& r, M& j) {
         r.resize(3);
         j.resize(3, 2);
         const double y[] = {1.5, 2.25, 2.625};
         for (int i = 0; i < 3; ++i) {
           r(i) = y[i] - x(0) * (1 - std::pow(x(1), i + 1));
           j.row(i) << std::pow(x(1), i + 1) - 1, x(0) * (i + 1) * std::pow(x(1), i);
         }
       },
       0,
       {3, 0.5}},
      {"Wood (14)",
       {-3, -1, -3, -1},
       [](const V& x, V& r, M& j) {
         const double s90 = std::sqrt(90.), s10 = std::sqrt(10.);
         r = V{{10 * (x(1) - x(0) * x(0)), 1 - x(0), s90 * (x(3) - x(2) * x(2)), 1 - x(2),
                s10 * (x(1) + x(3) - 2), (x(1) - x(3)) / s10}};
         j = M{{-20 * x(0), 10, 0, 0}, {-1, 0, 0, 0},    {0, 0, -2 * s90 * x(2), s90},
               {0, 0, -1, 0},          {0, s10, 0, s10}, {0, 1 / s10, 0, -1 / s10}};
       },
       0,
       {1, 1, 1, 1}},
      // From its usual start a minimizer ends in the local minimum that is not 0.
      {"Freudenstein and Roth (2)",
       {0.5, -2},
       [](const V& x, V& r, M& j) {
         const double b = x(1);
         r = V{{-13 + x(0) + ((5 - b) * b - 2) * b, -29 + x(0) + ((b + 1) * b - 14) * b}};
         j = M{{1, 10 * b - 3 * b * b - 2}, {1, 3 * b * b + 2 * b - 14}};
       },
       48.9842536792,
       {11.4127789869, -0.8968052533}},
      {"Brown's almost linear function (27)", std::vector<double>(10, 0.5),
       [](const V& x, V& r, M& j) {
         const mlp::Index n = x.size();
         r = x.array() + x.sum() - static_cast<double>(n + 1);
         j = M::Identity(n, n) + M::Ones(n, n);
         r(n - 1) = x.prod() - 1;
         for (mlp::Index k = 0; k < n; ++k) {
           V others = x;
           others(k) = 1;
           j(n - 1, k) = others.prod();
         }
       },
       0},
  };
  return problems;
}
