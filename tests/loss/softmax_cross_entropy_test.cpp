#include <mlp/loss/softmax_cross_entropy.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "loss/check_loss.hpp"

using mlp::Dynamic;
using mlp::Index;
using mlp::Labels;
using mlp::Matrix;
using mlp::SoftmaxCrossEntropy;

static_assert(mlp::Loss<SoftmaxCrossEntropy, float> && mlp::Loss<SoftmaxCrossEntropy, double>);

// The value: fewer than K B roundings of half an epsilon each, of terms of one sign. The gradient: exp
// within 1.5 epsilon, the sum of K of them, and six more roundings, of numbers up to 9/8, over B.
TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>, gradient_bound = 10 * eps / 7;
  SUBCASE("labels") {
    loss::check_golden<5, 7, S>(SoftmaxCrossEntropy{}, golden::ce_labels, 35 * eps * golden::ce_labels.value,
                                gradient_bound);
  }
  SUBCASE("probabilities") {
    loss::check_golden<5, 7, S>(SoftmaxCrossEntropy{}, golden::ce_probabilities,
                                35 * eps * golden::ce_probabilities.value, gradient_bound);
  }
}

// Eigen's exp(-2e4) is a subnormal number instead of 0.
TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: logits of +-1e4 are exact", S, float, double) {
  constexpr auto tiny = static_cast<double>(std::numeric_limits<S>::min());
  loss::check_golden<3, 4, S>(SoftmaxCrossEntropy{}, golden::ce_labels_large, 0, tiny);
  loss::check_golden<3, 4, S>(SoftmaxCrossEntropy{}, golden::ce_probabilities_large, 0, tiny);
}

TEST_CASE("SoftmaxCrossEntropy: the gradient is the value's") {
  loss::check_differences(SoftmaxCrossEntropy{}, golden::ce_labels);
  loss::check_differences(SoftmaxCrossEntropy{}, golden::ce_probabilities);
}

TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: by hand", S, float, double) {
  SUBCASE("one sample: L = log(1 + 1 + 1 + 1)") {
    const Matrix<S> y = Matrix<S>::Constant(4, 1, S(-3));
    const std::vector gradient{0.25, 0.25, -0.75, 0.25};
    loss::check<4, 1>(SoftmaxCrossEntropy{}, y, Labels{{2}}, std::log(4.), gradient, 4 * loss::epsilon<S>, 0);
    loss::check<Dynamic, Dynamic>(SoftmaxCrossEntropy{}, y, Labels{{2}}, std::log(4.), gradient,
                                  4 * loss::epsilon<S>, 0);
  }
  SUBCASE("one class is certain") {
    const Matrix<S> y{{-7, 0, 1e4}};
    loss::check<1, 3>(SoftmaxCrossEntropy{}, y, Labels{{0, 0, 0}}, 0, std::vector{0., 0., 0.}, 0, 0);
    loss::check<1, 3>(SoftmaxCrossEntropy{}, y, Matrix<S>{{1, 1, 1}}, 0, std::vector{0., 0., 0.}, 0, 0);
  }
  SUBCASE("NaN is seen, wherever it is") {
    for (Index i = 0; i < 3; ++i) {
      Matrix<S> y = Matrix<S>::Zero(3, 2);
      y(i, 1) = static_cast<S>(loss::nan);
      CAPTURE(i);
      CHECK(std::isnan(SoftmaxCrossEntropy{}.value(y, Labels{{0, 1}})));
      CHECK(std::isnan(SoftmaxCrossEntropy{}.value(y, Matrix<S>{{1, 1}, {0, 0}, {0, 0}})));
    }
  }
}

TEST_CASE("SoftmaxCrossEntropy: a label out of range is named, with its sample and the range") {
  const Matrix<float> y = Matrix<float>::Zero(5, 4);
  for (const int label : {-1, 5}) {
    const Labels t{{0, 4, 1, label}};
    Matrix<float> dy = y;
    const std::string message =
        "SoftmaxCrossEntropy: expected labels in [0, 5), found " + std::to_string(label) + " for sample 3";
    CHECK_THROWS_WITH_AS(SoftmaxCrossEntropy{}.value(y, t), message.c_str(), std::invalid_argument);
    CHECK_THROWS_WITH_AS(SoftmaxCrossEntropy{}.gradient(y, t, dy), message.c_str(), std::invalid_argument);
    CHECK_THROWS_WITH_AS(SoftmaxCrossEntropy{}.value_and_gradient(y, t, dy), message.c_str(),
                         std::invalid_argument);
    CHECK(dy == y);
  }
}

// From the gradient, B dL/dy + one-hot. K + 8 roundings of half an epsilon, as above.
TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: predictions are the softmax", S, float, double) {
  const auto& expected = golden::ce_labels;
  auto y = golden::matrix<S>(expected.y, 5, 7);
  Matrix<double> p = 7 * golden::matrix<double>(expected.gradient, 5, 7);
  for (Index j = 0; j < 7; ++j) p(expected.t[static_cast<std::size_t>(j)], j) += 1;
  auto view = mlp::matrix_view<5, 7>(y.data(), 5, 7);
  SoftmaxCrossEntropy{}.link(view);
  CHECK(golden::worst_error(y, {p.data(), 35}) <= 7 * loss::epsilon<S>);
  for (Index j = 0; j < 7; ++j) CHECK(std::abs(y.col(j).sum() - 1) <= 5 * loss::epsilon<S>);

  Matrix<S> large{{1e4, -1e4}, {-1e4, -1e4}, {0, -1e4}, {0, -1e4}};
  SoftmaxCrossEntropy{}.link(large);
  CHECK(golden::worst_error(large, std::vector{1., 0., 0., 0., 0.25, 0.25, 0.25, 0.25}) <=
        static_cast<double>(std::numeric_limits<S>::min()));

  Matrix<S> single{{3, -1e4}};
  SoftmaxCrossEntropy{}.link(single);
  CHECK(single == Matrix<S>{{1, 1}});
}

TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: accuracy counts the largest logits", S, float, double) {
  const Matrix<S> y{{3, -1, 0, 1e4}, {1, -2, 5, 1}, {2, -3, 4, -1e4}};  // the largest: 0 0 1 0
  const auto accuracy = [&](const auto& t) { return SoftmaxCrossEntropy{}.accuracy(y, t); };
  CHECK(accuracy(Labels{{0, 0, 1, 0}}) == 1);
  CHECK(accuracy(Labels{{1, 2, 0, 1}}) == 0);
  CHECK(accuracy(Labels{{0, 1, 1, 0}}) == S(0.75));
  CHECK(accuracy(Matrix<S>{{0.5, 0.5, 0.25, 0.25}, {0.25, 0.25, 0.5, 0.75}, {0.25, 0.25, 0.25, 0}}) ==
        S(0.75));
}
