#include <mlp/loss/poisson_nll.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "loss/check_loss.hpp"
#include "message_of.hpp"

using mlp::Dynamic;
using mlp::Matrix;
using mlp::PoissonNLL;

static_assert(mlp::Loss<PoissonNLL, float> && mlp::Loss<PoissonNLL, double>);

// The value: n roundings of half an epsilon, of sums of n terms below 12 in absolute value, over n. The
// gradient: exp within 1.5 epsilon (or a quotient and two sums), and three roundings, of numbers up to 4,
// over n.
TEST_CASE_TEMPLATE("PoissonNLL: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>, value_bound = 35 * 12 * eps / 2, gradient_bound = 3 * 4 * eps / 35;
  const auto check = [=](const PoissonNLL& poisson, const auto& expected) {
    loss::check_golden<5, 7, S>(poisson, expected, value_bound, gradient_bound);
  };
  check(PoissonNLL{}, golden::poisson_logs);
  check(PoissonNLL{.full = true}, golden::poisson_logs_full);
  check(PoissonNLL{.log_input = false}, golden::poisson_rates);
  check(PoissonNLL{.log_input = false, .full = true, .epsilon = 0.5}, golden::poisson_rates_full);
}

TEST_CASE("PoissonNLL: the gradient is the value's") {
  loss::check_differences(PoissonNLL{}, golden::poisson_logs_full);
  loss::check_differences(PoissonNLL{.full = true}, golden::poisson_logs_full);
  loss::check_differences(PoissonNLL{.log_input = false, .epsilon = 0.5}, golden::poisson_rates_full);
}

TEST_CASE_TEMPLATE("PoissonNLL: by hand", S, float, double) {
  SUBCASE("a rate of 1: L = 1 - 3 * 0") {
    loss::check<1, 1>(PoissonNLL{}, Matrix<S>{{0}}, Matrix<S>{{3}}, 1, std::vector{-2.}, 0, 0);
    loss::check<Dynamic, Dynamic>(PoissonNLL{}, Matrix<S>{{0}}, Matrix<S>{{3}}, 1, std::vector{-2.}, 0, 0);
  }
  SUBCASE("a tiny rate: L = 1/2 (0 + 1e4)") {
    const Matrix<S> y{{-1e4, -1e4}}, t{{0, 1}};
    loss::check<1, 2>(PoissonNLL{}, y, t, 5000, std::vector{0., -0.5}, 0, 0);
  }
  SUBCASE("a rate of 0 whose target is 1: L = -log epsilon, dL/dy = 1 - 1 / epsilon") {
    loss::check<1, 1>(PoissonNLL{.log_input = false, .epsilon = 0.25}, Matrix<S>{{0}}, Matrix<S>{{1}},
                      std::log(4.), std::vector{-3.}, 2 * loss::epsilon<S>, 0);
  }
}

TEST_CASE_TEMPLATE("PoissonNLL: NaN is detected", S, float, double) {
  const Matrix<S> y{{1, static_cast<S>(loss::nan)}}, t{{0, 0}};
  CHECK(std::isnan(PoissonNLL{}.value(y, t)));
  CHECK(std::isnan(PoissonNLL{.log_input = false}.value(y, t)));
}

TEST_CASE_TEMPLATE("PoissonNLL: predictions are the rates", S, float, double) {
  Matrix<S> y{{0, 1, -1, -1e4}};
  PoissonNLL{}.to_prediction(y);
  const double e = std::numbers::e;
  CHECK(golden::worst_error(y, std::vector{1., e, 1 / e, 0.}) <= 1.5 * e * loss::epsilon<S>);

  const Matrix<S> rates{{0, 1, 2}};
  y = rates;
  PoissonNLL{.log_input = false}.to_prediction(y);
  CHECK(y == rates);
}

TEST_CASE("PoissonNLL: epsilon must be above 0") {
  CHECK(message_of([] { PoissonNLL{.epsilon = 0}.validate(); }) ==
        "PoissonNLL: expected epsilon > 0, found 0");
  CHECK(message_of([] { PoissonNLL{.epsilon = loss::nan}.validate(); }) ==
        "PoissonNLL: expected epsilon > 0, found nan");
  PoissonNLL{}.validate();
}
