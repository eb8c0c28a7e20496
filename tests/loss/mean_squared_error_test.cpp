#include <mlp/loss/mean_squared_error.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "loss/check_loss.hpp"

using mlp::Dynamic;
using mlp::Matrix;
using mlp::MeanSquaredError;

static_assert(mlp::Loss<MeanSquaredError, float> && mlp::Loss<MeanSquaredError, double>);

// Fewer than n roundings of half an epsilon each, of terms of one sign; the gradient takes three roundings of
// numbers up to 1.
TEST_CASE_TEMPLATE("MeanSquaredError: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  loss::check_golden<5, 7, S>(MeanSquaredError{}, golden::mse, 35 * eps * golden::mse.value, 2 * eps);
}

TEST_CASE("MeanSquaredError: the gradient is the value's") {
  loss::check_differences(MeanSquaredError{}, golden::mse);
}

// L = 1/2 ((1 - 3)^2 + (-1 - 0)^2) = 5/2, dL/dy = (1 - 3, -1 - 0)
TEST_CASE_TEMPLATE("MeanSquaredError: by hand", S, float, double) {
  SUBCASE("two outputs, one sample") {
    const Matrix<S> y{{1}, {-1}}, t{{3}, {0}};
    loss::check<2, 1>(MeanSquaredError{}, y, t, 2.5, std::vector{-2., -1.}, 0, 0);
  }
  SUBCASE("one output, two samples") {
    const Matrix<S> y{{1, -1}}, t{{3, 0}};
    loss::check<1, 2>(MeanSquaredError{}, y, t, 2.5, std::vector{-2., -1.}, 0, 0);
    loss::check<Dynamic, Dynamic>(MeanSquaredError{}, y, t, 2.5, std::vector{-2., -1.}, 0, 0);
  }
  SUBCASE("one output, one sample") {
    loss::check<1, 1>(MeanSquaredError{}, Matrix<S>{{3}}, Matrix<S>{{1}}, 4, std::vector{4.}, 0, 0);
  }
  SUBCASE("large outputs") {
    const Matrix<S> y{{1e4, -1e4}}, t{{0, 0}};
    loss::check<1, 2>(MeanSquaredError{}, y, t, 1e8, std::vector{1e4, -1e4}, 0, 0);
  }
  SUBCASE("NaN is detected") {
    const Matrix<S> y{{1, static_cast<S>(loss::nan)}}, t{{0, 0}};
    CHECK(std::isnan(MeanSquaredError{}.value(y, t)));
  }
}

TEST_CASE("MeanSquaredError: predictions are the outputs") {
  const Matrix<float> outputs{{1, -2}, {1e4f, 0}};
  Matrix<float> y = outputs;
  MeanSquaredError{}.to_prediction(y);
  CHECK(y == outputs);
}
