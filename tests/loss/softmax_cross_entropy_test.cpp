#include <mlp/loss/softmax_cross_entropy.hpp>

#include <mlp/base/views.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "loss/check_loss.hpp"
#include "message_of.hpp"

using mlp::Dynamic;
using mlp::Index;
using mlp::Labels;
using mlp::Matrix;
using mlp::SoftmaxCrossEntropy;

static_assert(mlp::Loss<SoftmaxCrossEntropy, float> && mlp::Loss<SoftmaxCrossEntropy, double>);

namespace {

const std::vector<double> weights{0.5, 2, 1, 0, 3};

}  // namespace

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

// As above, for numbers up to 3: the largest weight, and W / B = 9 / 7 of the labels.
TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: class weights and smoothing are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  const auto check = [](const SoftmaxCrossEntropy& entropy, const auto& labels, const auto& probabilities) {
    loss::check_golden<5, 7, S>(entropy, labels, 35 * eps * labels.value, 3 * 10 * eps / 7);
    loss::check_golden<5, 7, S>(entropy, probabilities, 35 * eps * probabilities.value, 3 * 10 * eps / 7);
  };
  check({weights}, golden::ce_labels_weighted, golden::ce_probabilities_weighted);
  check({.label_smoothing = 0.25}, golden::ce_labels_smooth, golden::ce_probabilities_smooth);
  check({weights, 0.25}, golden::ce_labels_weighted_smooth, golden::ce_probabilities_weighted_smooth);
  check({{1, 1, 1, 1, 1}}, golden::ce_labels, golden::ce_probabilities);
}

TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: logits of +-1e4 are exact", S, float, double) {
  loss::check_golden<3, 4, S>(SoftmaxCrossEntropy{}, golden::ce_labels_large, 0, 0);
  loss::check_golden<3, 4, S>(SoftmaxCrossEntropy{}, golden::ce_probabilities_large, 0, 0);
}

TEST_CASE("SoftmaxCrossEntropy: the gradient is the value's") {
  loss::check_differences(SoftmaxCrossEntropy{}, golden::ce_labels);
  loss::check_differences(SoftmaxCrossEntropy{}, golden::ce_probabilities);
  loss::check_differences(SoftmaxCrossEntropy{weights, 0.25}, golden::ce_labels_weighted_smooth);
  loss::check_differences(SoftmaxCrossEntropy{weights, 0.25}, golden::ce_probabilities_weighted_smooth);
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
  SUBCASE("NaN is detected everywhere") {
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
  SoftmaxCrossEntropy{}.to_prediction(view);
  CHECK(golden::worst_error(y, {p.data(), 35}) <= 7 * loss::epsilon<S>);
  for (Index j = 0; j < 7; ++j) CHECK(std::abs(y.col(j).sum() - 1) <= 5 * loss::epsilon<S>);

  Matrix<S> large{{1e4, -1e4}, {-1e4, -1e4}, {0, -1e4}, {0, -1e4}};
  SoftmaxCrossEntropy{}.to_prediction(large);
  CHECK(golden::worst_error(large, std::vector{1., 0., 0., 0., 0.25, 0.25, 0.25, 0.25}) <=
        static_cast<double>(std::numeric_limits<S>::min()));

  Matrix<S> single{{3, -1e4}};
  SoftmaxCrossEntropy{}.to_prediction(single);
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

TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: samples of weight 0 add nothing", S, float, double) {
  const Matrix<S> y{{1, -2}, {1e4, 0}, {3, -1e4}};
  const std::vector<double> zero(6, 0.);
  for (const double smoothing : {0., 0.5}) {
    const SoftmaxCrossEntropy entropy{{1, 0, 2}, smoothing};
    loss::check<3, 2>(entropy, y, Labels{{1, 1}}, 0, zero, 0, 0);
    loss::check<Dynamic, Dynamic>(entropy, y, Labels{{1, 1}}, 0, zero, 0, 0);
    loss::check<3, 1>(entropy, Matrix<S>(y.leftCols(1)), Labels{{1}}, 0, {zero.data(), 3}, 0, 0);
  }
}

// Links the mean over a batch to the means over its parts.
TEST_CASE("SoftmaxCrossEntropy: weighted means of parts give the mean of the whole") {
  const auto& golden = golden::ce_labels_weighted;
  const SoftmaxCrossEntropy entropy{weights};
  const auto y = golden::matrix<double>(golden.y, 5, 7);
  const Labels t = golden::matrix<int>(golden.t, 7, 1);
  double sum = 0, weight = 0;
  for (Index j = 0; j < 7; ++j) {
    const Labels t_j = t.segment(j, 1);
    weight += entropy.weight(t_j);
    sum += entropy.weight(t_j) * entropy.value(Matrix<double>(y.col(j)), t_j);
  }
  CHECK(weight == entropy.weight(t));
  CHECK(weight == 0.5 + 3 + 1 + 2 + 0 + 0.5 + 3);
  CHECK(std::abs(sum / weight - golden.value) <= 35 * loss::epsilon<double> * golden.value);

  CHECK(SoftmaxCrossEntropy{}.weight(t) == 7);
  CHECK(entropy.weight(Matrix<float>::Zero(5, 3).eval()) == 3);
}

TEST_CASE_TEMPLATE("SoftmaxCrossEntropy: with weights and smoothing, +-1e4 and NaN", S, float, double) {
  const SoftmaxCrossEntropy entropy{{1, 3}, 0.5};  // q = (3/4, 3/4): L = 1/1 3/4 2e4
  Matrix<S> y{{1e4}, {-1e4}};
  loss::check<2, 1>(entropy, y, Labels{{0}}, 15000, std::vector{0.75, -0.75}, 0,
                    static_cast<double>(std::numeric_limits<S>::min()));
  y(1) = static_cast<S>(loss::nan);
  CHECK(std::isnan(entropy.value(y, Labels{{0}})));
}

TEST_CASE("SoftmaxCrossEntropy: wrong options are named") {
  const auto message = [](SoftmaxCrossEntropy entropy) { return message_of([&] { entropy.validate(); }); };
  CHECK(message({{1, -1, 1}}) ==
        "SoftmaxCrossEntropy: expected class_weights that are finite and >= 0, found -1 at index 1");
  CHECK(message({{1, std::numeric_limits<double>::infinity()}}) ==
        "SoftmaxCrossEntropy: expected class_weights that are finite and >= 0, found inf at index 1");
  CHECK(message({{0, 0}}) ==
        "SoftmaxCrossEntropy: expected class_weights of which one is above 0, found none");
  CHECK(message({.label_smoothing = 1}) ==
        "SoftmaxCrossEntropy: expected label_smoothing in [0, 1), found 1");
  CHECK(message({.label_smoothing = loss::nan}) ==
        "SoftmaxCrossEntropy: expected label_smoothing in [0, 1), found nan");
  CHECK(message_of([] {
          SoftmaxCrossEntropy{{1, 2}}.validate(3);
        }) == "SoftmaxCrossEntropy: expected class_weights for 3 classes, found 2");
  for (const SoftmaxCrossEntropy& right : {SoftmaxCrossEntropy{}, {{0, 1, 2}, 0.5}}) {
    right.validate();
    right.validate(3);
  }
}
