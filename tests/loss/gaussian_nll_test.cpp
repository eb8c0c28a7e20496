#include <mlp/loss/gaussian_nll.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "loss/check_loss.hpp"
#include "message_of.hpp"

using mlp::Dynamic;
using mlp::GaussianNLL;
using mlp::Index;
using mlp::Matrix;

static_assert(mlp::Loss<GaussianNLL, float> && mlp::Loss<GaussianNLL, double>);
static_assert(GaussianNLL::outputs_per_target == 2);

// The value: n = 21 roundings of half an epsilon, of sums of n terms below 6 in absolute value, over n. The
// gradient: exp and log1p within 1.5 epsilon and seven roundings, of numbers up to 6, over n.
TEST_CASE_TEMPLATE("GaussianNLL: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>, value_bound = 21 * 6 * eps / 2, gradient_bound = 6 * 6 * eps / 21;
  loss::check_golden<6, 7, S>(GaussianNLL{}, golden::gaussian, value_bound, gradient_bound);
  loss::check_golden<6, 7, S>(GaussianNLL{.epsilon = 0.25}, golden::gaussian_quarter, value_bound,
                              gradient_bound);
}

TEST_CASE("GaussianNLL: the gradient is the value's") {
  loss::check_differences(GaussianNLL{}, golden::gaussian);
  loss::check_differences(GaussianNLL{.epsilon = 0.25}, golden::gaussian_quarter);
}

// v = 1 + 1 = 2: L = 1/2 (log 2 + 2^2 / 2), dL/dm = 2 / 2, dL/ds = 1/2 (1 - 2^2 / 2) 1 / 2
TEST_CASE_TEMPLATE("GaussianNLL: one value, by hand", S, float, double) {
  const Matrix<S> y{{3}, {0}}, t{{1}};
  const double value = std::numbers::ln2 / 2 + 1, bound = 2 * loss::epsilon<S>;
  const std::vector gradient{1., -0.25};
  loss::check<2, 1>(GaussianNLL{.epsilon = 1}, y, t, value, gradient, bound, bound);
  loss::check<Dynamic, Dynamic>(GaussianNLL{.epsilon = 1}, y, t, value, gradient, bound, bound);
}

// s = -1e4: v = epsilon. s = 1e4: log v = 1e4, 1 / v = 0.
TEST_CASE_TEMPLATE("GaussianNLL: variances of 0 and beyond all numbers", S, float, double) {
  const Matrix<S> y{{2, 2}, {-1e4, 1e4}}, t{{0, 0}};
  const double value = (std::log(0.25) + 16 + 1e4) / 4, bound = 2 * loss::epsilon<S> * value;
  const std::vector gradient{4., 0., 0., 0.25};
  loss::check<2, 2>(GaussianNLL{.epsilon = 0.25}, y, t, value, gradient, bound, 8 * loss::epsilon<S>);

  const Matrix<S> far{{0x1p50, -0x1p50}, {1e4, 88}},
      zero{{0, 0}};  // squares near or beyond the range of float
  CHECK(std::isfinite(GaussianNLL{}.value(far, zero)));
}

TEST_CASE_TEMPLATE("GaussianNLL: NaN is detected, in means and in variances", S, float, double) {
  for (Index i = 0; i < 2; ++i) {
    Matrix<S> y = Matrix<S>::Zero(2, 2), dy = y;
    y(i, 1) = static_cast<S>(loss::nan);
    CAPTURE(i);
    CHECK(std::isnan(GaussianNLL{}.value(y, Matrix<S>{{0, 0}})));
    GaussianNLL{}.gradient(y, Matrix<S>{{0, 0}}, dy);
    CHECK(std::isnan(dy(i, 1)));
  }
}

TEST_CASE_TEMPLATE("GaussianNLL: predictions are means and variances", S, float, double) {
  Matrix<S> y{{1, -2}, {1e4, 0}, {0, 1}, {-1, -1e4}};
  GaussianNLL{.epsilon = 0.25}.to_prediction(y);
  const double e = std::numbers::e;
  const std::vector expected{1., 1e4, 1.25, 1 / e + 0.25, -2., 0., e + 0.25, 0.25};
  CHECK(golden::worst_error(y, expected) <= 2 * e * loss::epsilon<S>);
}

TEST_CASE("GaussianNLL: wrong options and sizes are named") {
  CHECK(message_of([] { GaussianNLL{.epsilon = 0}.validate(); }) ==
        "GaussianNLL: expected epsilon > 0, found 0");
  CHECK(message_of([] { GaussianNLL{.epsilon = loss::nan}.validate(); }) ==
        "GaussianNLL: expected epsilon > 0, found nan");
  CHECK(message_of([] { GaussianNLL{}.validate(3); }) ==
        "GaussianNLL: expected an even number of outputs, means and variances, found 3");
  GaussianNLL{}.validate();
  GaussianNLL{}.validate(4);
}
