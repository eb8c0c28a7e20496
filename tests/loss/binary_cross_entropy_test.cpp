#include <mlp/loss/binary_cross_entropy.hpp>

#include <mlp/base/views.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "loss/check_loss.hpp"
#include "message_of.hpp"

using mlp::BinaryCrossEntropy;
using mlp::Dynamic;
using mlp::Matrix;

static_assert(mlp::Loss<BinaryCrossEntropy, float> && mlp::Loss<BinaryCrossEntropy, double>);

// The value: fewer than n roundings of half an epsilon each, of terms of one sign. The gradient: a sigmoid
// within 1.5 epsilon and three roundings, of numbers up to 1, divided by n.
TEST_CASE_TEMPLATE("BinaryCrossEntropy: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  loss::check_golden<5, 7, S>(BinaryCrossEntropy{}, golden::bce, 35 * eps * golden::bce.value, 3 * eps / 35);
}

// As above, for numbers up to the largest weight.
TEST_CASE_TEMPLATE("BinaryCrossEntropy: positive weights are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  loss::check_golden<5, 7, S>(BinaryCrossEntropy{{2.5}}, golden::bce_weight,
                              35 * eps * golden::bce_weight.value, 2.5 * 3 * eps / 35);
  loss::check_golden<5, 7, S>(BinaryCrossEntropy{.positive_weights = {0.5, 2, 1, 0, 3}}, golden::bce_weights,
                              35 * eps * golden::bce_weights.value, 3 * 3 * eps / 35);
  loss::check_golden<5, 7, S>(BinaryCrossEntropy{{1, 1, 1, 1, 1}}, golden::bce, 35 * eps * golden::bce.value,
                              3 * eps / 35);
}

TEST_CASE_TEMPLATE("BinaryCrossEntropy: logits of +-1e4 are exact", S, float, double) {
  loss::check_golden<2, 4, S>(BinaryCrossEntropy{}, golden::bce_large, 0, 0);
  // Only wrong decisions about positive targets have weight 2: L = 1/4 (1e4 + 2e4 + 0 + 0).
  loss::check<2, 2>(BinaryCrossEntropy{{2}}, Matrix<S>{{1e4, 1e4}, {-1e4, -1e4}}, Matrix<S>{{0, 1}, {1, 0}},
                    7500, std::vector{0.25, -0.5, 0., 0.}, 0, 0);
}

// The loss of a right decision is log(1 + exp(-|y|)), as small as 1e-13 here: exp within 2 epsilon, log1p and the
// mean over one element within as much.
TEST_CASE_TEMPLATE("BinaryCrossEntropy: small losses are right relative to their size", S, float, double) {
  for (const double size : {3., 8., 15., 20., 25., 30.}) {
    const double expected = static_cast<double>(std::log1p(std::exp(-static_cast<long double>(size))));
    for (const bool yes : {false, true}) {
      CAPTURE(size);
      CAPTURE(yes);
      const Matrix<S> y{{static_cast<S>(yes ? size : -size)}}, t{{S(yes)}};
      const auto check = [&](const BinaryCrossEntropy& bce) {
        Matrix<S> dy(1, 1);
        const double bound = 4 * loss::epsilon<S> * expected;
        CHECK(std::abs(double{bce.value(y, t)} - expected) <= bound);
        CHECK(std::abs(double{bce.value_and_gradient(y, t, dy)} - expected) <= bound);
      };
      check({});
      check({{1}});
    }
  }
}

TEST_CASE("BinaryCrossEntropy: the gradient is the value's") {
  loss::check_differences(BinaryCrossEntropy{}, golden::bce);
  loss::check_differences(BinaryCrossEntropy{{2.5}}, golden::bce_weight);
  loss::check_differences(BinaryCrossEntropy{{0.5, 2, 1, 0, 3}}, golden::bce_weights);
}

TEST_CASE_TEMPLATE("BinaryCrossEntropy: one output, one sample, by hand", S, float, double) {
  const Matrix<S> y{{0}}, t{{1}};  // L = log 2 - 1 * 0, dL/dy = 1/2 - 1
  const double bound = loss::epsilon<S>;
  loss::check<1, 1>(BinaryCrossEntropy{}, y, t, std::numbers::ln2, std::vector{-0.5}, bound, 0);
  loss::check<Dynamic, Dynamic>(BinaryCrossEntropy{}, y, t, std::numbers::ln2, std::vector{-0.5}, bound, 0);
}

TEST_CASE_TEMPLATE("BinaryCrossEntropy: NaN is detected", S, float, double) {
  const Matrix<S> y{{1, static_cast<S>(loss::nan), 2}};
  CHECK(std::isnan(BinaryCrossEntropy{}.value(y, Matrix<S>{{0, 0, 1}})));
  CHECK(std::isnan(BinaryCrossEntropy{}.value(y, Matrix<S>{{0, 1, 1}})));
  CHECK(std::isnan(BinaryCrossEntropy{{2}}.value(y, Matrix<S>{{0, 1, 1}})));
}

TEST_CASE_TEMPLATE("BinaryCrossEntropy: predictions are sigmoids", S, float, double) {
  Matrix<S> y{{0, 1, -1, 1e4, -1e4}};
  auto view = mlp::matrix_view<1, 5>(y.data(), 1, 5);
  BinaryCrossEntropy{}.to_prediction(view);
  const double e = std::numbers::e;
  CHECK(golden::worst_error(y, std::vector{0.5, e / (1 + e), 1 / (1 + e), 1., 0.}) <= 1.5 * loss::epsilon<S>);
}

TEST_CASE_TEMPLATE("BinaryCrossEntropy: accuracy counts decisions on the right side", S, float, double) {
  const Matrix<S> y{{1, -1, 1e4}, {-0.25, 0.25, -3}};
  const auto accuracy = [&](const Matrix<S>& t) { return BinaryCrossEntropy{}.accuracy(y, t); };
  CHECK(accuracy(Matrix<S>{{1, 0, 1}, {0, 1, 0}}) == 1);
  CHECK(accuracy(Matrix<S>{{0, 1, 0}, {1, 0, 1}}) == 0);
  CHECK(accuracy(Matrix<S>{{0.75, 0.25, 0.25}, {0, 1, 1}}) == S(4) / S(6));
}

TEST_CASE("BinaryCrossEntropy: wrong weights are named") {
  CHECK(message_of([] {
          BinaryCrossEntropy{{1, -2}}.validate();
        }) == "BinaryCrossEntropy: expected positive_weights that are finite and >= 0, found -2 at index 1");
  CHECK(message_of([] { BinaryCrossEntropy{{loss::nan}}.validate(); }) ==
        "BinaryCrossEntropy: expected positive_weights that are finite and >= 0, found nan at index 0");
  CHECK(message_of([] {
          BinaryCrossEntropy{{1, 2}}.validate(3);
        }) == "BinaryCrossEntropy: expected positive_weights for 3 outputs, found 2");
  for (const BinaryCrossEntropy& right : {BinaryCrossEntropy{}, BinaryCrossEntropy{{2}}, {{1, 0, 3}}}) {
    right.validate();
    right.validate(3);
  }
}
