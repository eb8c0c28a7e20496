#include <mlp/loss/mean_absolute_error.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "loss/check_loss.hpp"

using mlp::Dynamic;
using mlp::Matrix;
using mlp::MeanAbsoluteError;

static_assert(mlp::Loss<MeanAbsoluteError, float> && mlp::Loss<MeanAbsoluteError, double>);

// The value: fewer than n roundings of half an epsilon each, of terms of one sign. The gradient: 1 / n.
TEST_CASE_TEMPLATE("MeanAbsoluteError: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  loss::check_golden<5, 7, S>(MeanAbsoluteError{}, golden::mae, 35 * eps * golden::mae.value, eps / 35);
}

TEST_CASE("MeanAbsoluteError: the gradient is the value's") {
  loss::check_differences(MeanAbsoluteError{}, golden::mae);
}

// L = 1/4 (|2 - 3| + |4 - 4| + |1e4 - 0| + |-1e4 - 1|), with a derivative of 0 where y = t.
TEST_CASE_TEMPLATE("MeanAbsoluteError: by hand", S, float, double) {
  const Matrix<S> y{{2, 4, 1e4, -1e4}}, t{{3, 4, 0, 1}};
  const std::vector gradient{-0.25, 0., 0.25, -0.25};
  loss::check<1, 4>(MeanAbsoluteError{}, y, t, 5000.5, gradient, 0, 0);
  loss::check<Dynamic, Dynamic>(MeanAbsoluteError{}, y, t, 5000.5, gradient, 0, 0);
  loss::check<1, 1>(MeanAbsoluteError{}, Matrix<S>{{3}}, Matrix<S>{{1}}, 2, std::vector{1.}, 0, 0);
}

TEST_CASE_TEMPLATE("MeanAbsoluteError: NaN is detected", S, float, double) {
  CHECK(std::isnan(MeanAbsoluteError{}.value(Matrix<S>{{1, static_cast<S>(loss::nan)}}, Matrix<S>{{0, 0}})));
}

TEST_CASE("MeanAbsoluteError: predictions are the outputs") {
  const Matrix<float> outputs{{1, -2}, {1e4f, 0}};
  Matrix<float> y = outputs;
  MeanAbsoluteError{}.to_prediction(y);
  CHECK(y == outputs);
}
