#include <mlp/data/metrics.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "golden/compare.hpp"
#include "golden/metrics.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
// Means of terms of at most 1, in double, on both sides: one rounding per sample.
constexpr double bound = golden::metrics::samples * epsilon;

template <class T>
Labels labels(const T& numbers) {
  return golden::matrix<int>(std::span<const int>(numbers), golden::metrics::samples, 1);
}

template <class T>
Matrix<double> matrix(const T& numbers, Index rows) {
  return golden::matrix<double>(std::span<const double>(numbers), rows, golden::metrics::samples);
}

}  // namespace

TEST_CASE("Metrics of labels: as scikit-learn, including classes without samples or predictions") {
  namespace expected = golden::metrics;
  const Labels t = labels(expected::labels), predicted = labels(expected::predicted);
  CHECK(accuracy(predicted, t) == expected::accuracy);
  const auto confusion = confusion_matrix(predicted, t, expected::classes);
  const auto by_rows = golden::matrix<Index>(std::span<const int>(expected::confusion), 5, 5);
  CHECK(confusion == by_rows.transpose());
  CHECK(confusion != by_rows);

  const auto report = precision_recall_f1(predicted, t, expected::classes);
  REQUIRE(report.classes.size() == 5);
  CHECK(report.support == confusion.rowwise().sum());
  const auto check = [](const PrecisionRecallF1& found, double precision, double recall, double f1) {
    CHECK(std::abs(found.precision - precision) <= bound);
    CHECK(std::abs(found.recall - recall) <= bound);
    CHECK(std::abs(found.f1 - f1) <= bound);
  };
  for (std::size_t c = 0; c < 5; ++c) {
    check(report.classes[c], expected::precision[c], expected::recall[c], expected::f1[c]);
  }
  check(report.macro, expected::macro[0], expected::macro[1], expected::macro[2]);
  check(report.micro, expected::micro[0], expected::micro[1], expected::micro[2]);
  check(report.weighted, expected::weighted[0], expected::weighted[1], expected::weighted[2]);
}

TEST_CASE("top_k_accuracy: as scikit-learn, and the first of equal scores is the largest") {
  namespace expected = golden::metrics;
  const Matrix<double> scores = matrix(expected::scores, expected::classes);
  const Labels t = labels(expected::ranked_labels);
  for (Index k = 1; k < expected::classes; ++k) {
    CHECK(std::abs(top_k_accuracy(scores, t, k) - expected::top_k_accuracy[k - 1]) <= epsilon);
  }
  CHECK(top_k_accuracy(scores, t, expected::classes) == 1);
  Labels first(t.size());
  for (Index j = 0; j < t.size(); ++j) scores.col(j).maxCoeff(&first(j));
  CHECK(top_k_accuracy(scores, t, 1) == accuracy(first, t));
}

TEST_CASE("top_k_accuracy: a nan is never correct") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (Index k = 1; k <= 3; ++k) {
    CHECK(top_k_accuracy(Eigen::Vector3d(1, nan, 2), Eigen::Matrix<int, 1, 1>(1), k) == 0);
  }
  const Eigen::Vector3d scores(nan, 2, 1);
  CHECK(top_k_accuracy(scores, Eigen::Matrix<int, 1, 1>(1), 1) == 0);
  CHECK(top_k_accuracy(scores, Eigen::Matrix<int, 1, 1>(1), 2) == 1);
}

TEST_CASE("roc_auc: as scikit-learn, with ties") {
  namespace expected = golden::metrics;
  const Labels t = labels(expected::binary_labels);
  const Matrix<double> scores = matrix(expected::binary_scores, 1);
  CHECK(std::abs(roc_auc(scores, t) - expected::binary_roc_auc) <= bound);
  // Only the order of the scores counts; reversing it gives 1 minus the area.
  CHECK(roc_auc(scores.array().exp().cast<float>(), t) == roc_auc(scores, t));
  CHECK(std::abs(roc_auc(-scores, t) - (1 - expected::binary_roc_auc)) <= bound);
  CHECK(roc_auc(Matrix<double>::Constant(1, t.size(), 0.3), t) == 0.5);

  const Matrix<double> probabilities = matrix(expected::probabilities, expected::classes);
  CHECK(std::abs(roc_auc(probabilities, labels(expected::ranked_labels)) - expected::roc_auc) <= bound);
}

TEST_CASE("roc_auc: infinite scores, and many equal ones") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(roc_auc(Eigen::RowVector4d(-infinity, 1, infinity, infinity), Eigen::RowVector4i(0, 0, 0, 1)) ==
        2.5 / 3);
  // 2.5 * 10^9 pairs: more than an int can count.
  const Index n = 100'000;
  const Labels t = Labels::LinSpaced(n, 0, static_cast<int>(n) - 1).unaryExpr([](int j) { return j % 2; });
  CHECK(roc_auc(t.cast<float>(), t) == 1);
  CHECK(roc_auc(Vector<float>::Zero(n), t) == 0.5);
}

TEST_CASE("Metrics of outputs: as scikit-learn") {
  namespace expected = golden::metrics;
  const Matrix<double> y = matrix(expected::outputs, 3), t = matrix(expected::targets, 3);
  // Squares and a quotient: a few roundings for each sample.
  CHECK(std::abs(r2_score(y, t) - expected::r2) <= 4 * bound);
  for (Index i = 0; i < 3; ++i) {
    CHECK(std::abs(r2_score(y.row(i), t.row(i)) - expected::r2_of_each[i]) <= 4 * bound);
    CHECK(r2_score(y.row(i), t.row(i)) == r2_score(Vector<double>(y.row(i)), Vector<double>(t.row(i))));
  }
  CHECK(std::abs(mean_absolute_error(y, t) - expected::mean_absolute_error) <= 3 * bound);
  CHECK(mean_absolute_error(Eigen::Vector2f(1, 2), Eigen::RowVector2d(3, 1)) == 1.5);
}

TEST_CASE("r2_score: targets that never change, and the largest numbers") {
  // As sklearn.metrics.r2_score(t, y) with multioutput = "raw_values".
  const Eigen::RowVectorXd same = Eigen::RowVectorXd::Constant(10, 0.1);
  CHECK(r2_score(same, same) == 1);
  CHECK(r2_score(2 * same, same) == 0);
  CHECK(r2_score(Eigen::RowVector3d(1, 2, 3), Eigen::RowVector3d(1, 2, 3)) == 1);
  CHECK(r2_score(Eigen::RowVector3d(2, 2, 2), Eigen::RowVector3d(1, 2, 3)) == doctest::Approx(0));
  CHECK(r2_score(1e300 * Eigen::RowVector3d(2, 2, 2), 1e300 * Eigen::RowVector3d(1, 2, 3)) ==
        doctest::Approx(0));
}

TEST_CASE("Metrics: any dense Eigen object") {
  const Labels t{{0, 1, 2, 1}};
  const Labels predicted{{0, 2, 2, 1}};
  CHECK(accuracy(predicted, t) == 0.75);
  CHECK(accuracy(predicted.tail(3), t.segment(1, 3)) == 2. / 3);
  CHECK(accuracy(predicted.transpose(), t.cast<long>()) == 0.75);
  // The targets of BinaryCrossEntropy are a row of numbers.
  const Matrix<float> row = Eigen::RowVector4f(0, 1, 2, 1);
  CHECK(accuracy(predicted, row) == 0.75);
  CHECK(confusion_matrix(predicted, row, 3) == confusion_matrix(predicted, t, 3));
  CHECK(roc_auc(Eigen::Vector4f(0, 1, 2, 3), Eigen::RowVector4f(0, 0, 1, 1)) == 1);
  const Eigen::Matrix3f scores = Eigen::Matrix3f::Identity();
  CHECK(top_k_accuracy(scores.leftCols<2>() * 2, t.head(2), 1) == 1);
}

TEST_CASE("Metrics: errors") {
  const Labels t{{0, 1, 2}}, two{{0, 1}}, none(0);
  const Matrix<float> y = Matrix<float>::Random(3, 3);
  CHECK(message_of([&] { accuracy(two, t); }) ==
        "accuracy: expected 3 predictions, as many as targets, found 2");
  CHECK(message_of([&] { accuracy(none, none); }) == "accuracy: expected at least one sample, found none");
  CHECK(message_of([&] {
          accuracy(Labels{{0, -1, 2}}, t);
        }) == "accuracy: expected labels in [0, 2147483647), found -1 for sample 1");
  CHECK(message_of([&] { confusion_matrix(t, t, 2); }) ==
        "confusion_matrix: expected labels in [0, 2), found 2 for sample 2");
  CHECK(message_of([&] { confusion_matrix(two, t, 3); }) ==
        "confusion_matrix: expected 3 predictions, as many as targets, found 2");
  CHECK(message_of([&] {
          precision_recall_f1(t, Labels{{0, 3, 2}}, 3);
        }) == "precision_recall_f1: expected labels in [0, 3), found 3 for sample 1");
  CHECK(message_of([&] { confusion_matrix(t, Eigen::Vector3f(0, 0.5f, 1), 3); }) ==
        "confusion_matrix: expected labels in [0, 3), found 0.5 for sample 1");
  CHECK(message_of([&] { confusion_matrix(t, Eigen::Vector3f(0, std::nanf(""), 1), 3); }) ==
        "confusion_matrix: expected labels in [0, 3), found nan for sample 1");

  CHECK(message_of([&] { top_k_accuracy(y, t, 0); }) == "top_k_accuracy: expected k in [1, 3], found 0");
  CHECK(message_of([&] { top_k_accuracy(y, t, 4); }) == "top_k_accuracy: expected k in [1, 3], found 4");
  CHECK(message_of([&] { top_k_accuracy(y.topRows(2), t, 1); }) ==
        "top_k_accuracy: expected labels in [0, 2), found 2 for sample 2");
  CHECK(message_of([&] { top_k_accuracy(y, two, 1); }) ==
        "top_k_accuracy: expected 2 predictions, as many as targets, found 3");

  CHECK(message_of([&] {
          roc_auc(y.row(0), Labels{{1, 1, 1}});
        }) == "roc_auc: expected samples of each of 2 classes, found none of class 0");
  CHECK(message_of([&] {
          roc_auc(y, Labels{{1, 1, 0}});
        }) == "roc_auc: expected samples of each of 3 classes, found none of class 2");
  CHECK(message_of([&] { roc_auc(y.row(0), t); }) ==
        "roc_auc: expected labels in [0, 2), found 2 for sample 2");
  CHECK(message_of([&] { roc_auc(y.row(0), two); }) ==
        "roc_auc: expected 2 predictions, as many as targets, found 3");
  CHECK(message_of([&] { roc_auc(Eigen::RowVector2f(0, std::nanf("")), two); }) ==
        "roc_auc: expected a score, found nan for sample 1");

  CHECK(message_of([&] { r2_score(y, y.topRows(2)); }) ==
        "r2_score: expected 2 outputs, as in the targets, found 3");
  CHECK(message_of([&] { r2_score(y, y.leftCols(2)); }) ==
        "r2_score: expected 2 predictions, as many as targets, found 3");
  CHECK(message_of([&] { r2_score(y.leftCols(1).eval(), y.leftCols(1).eval()); }) ==
        "r2_score: expected at least two samples, found one");
  CHECK(message_of([&] { mean_absolute_error(y, y.topRows(2)); }) ==
        "mean_absolute_error: expected 2 outputs, as in the targets, found 3");
}
