#pragma once

#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

/// Measures of the quality of predictions, as in sklearn.metrics. All are computed in double, from any dense
/// Eigen objects. Labels are a row or a column of integers (or of 0.0, 1.0, ..., such as the targets of
/// BinaryCrossEntropy).
///
/// Errors: std::invalid_argument if there are no samples, the arguments differ in size, or a label is out of
///         range (the message names the sample).
namespace mlp::inline MLP_ABI {

namespace detail {

// The labels as indices. Throws std::invalid_argument unless each is an integer in [0, classes).
template <class T>
Vector<Index> checked_labels(const Eigen::DenseBase<T>& labels, Index classes, const char* who) {
  const Vector<double> t = labels.derived().template cast<double>().reshaped();
  for (Index j = 0; j < t.size(); ++j) {
    if (!(t(j) >= 0 && t(j) < static_cast<double>(classes) && t(j) == std::floor(t(j)))) {
      raise<std::invalid_argument>({who, ": expected labels in [0, ", classes, "), found ",
                                    labels.derived().reshaped()(j), " for sample ", j});
    }
  }
  return t.template cast<Index>();
}

inline void check_predictions(Index predictions, Index targets, const char* who) {
  if (targets == 0) raise<std::invalid_argument>({who, ": expected at least one sample, found none"});
  if (predictions != targets) {
    throw_unequal(who, targets, " predictions, as many as targets", predictions);
  }
}

// Coefficient (r, c) is the number of samples of class r that were predicted to be of class c.
template <class P, class T>
Matrix<Index> count_pairs(const P& predicted, const T& t, Index classes, const char* who) {
  check_predictions(predicted.size(), t.size(), who);
  const auto columns = checked_labels(predicted, classes, who);
  const auto rows = checked_labels(t, classes, who);
  Matrix<Index> counts = Matrix<Index>::Zero(classes, classes);
  for (Index j = 0; j < rows.size(); ++j) ++counts(rows(j), columns(j));
  return counts;
}

// Outputs x samples in double; a vector is one output.
template <class Y>
Matrix<double> outputs_in_double(const Eigen::DenseBase<Y>& y) {
  if constexpr (Y::ColsAtCompileTime == 1) return y.derived().template cast<double>().transpose();
  else return y.derived().template cast<double>();
}

inline void check_outputs(const Matrix<double>& y, const Matrix<double>& t, const char* who) {
  check_predictions(y.cols(), t.cols(), who);
  if (y.rows() != t.rows()) throw_unequal(who, t.rows(), " outputs, as in the targets", y.rows());
}

// The area under the ROC curve: the share of pairs of a positive and a negative sample in which the positive
// one has the larger score; a tie is half a pair. Computed from ranks: Mann and Whitney, On a Test of Whether
// one of Two Random Variables is Stochastically Larger than the Other (1947).
template <class IsPositive>
double area_under_roc(const Vector<double>& scores, IsPositive&& is_positive) {
  std::vector<Index> order(static_cast<std::size_t>(scores.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return scores(a) < scores(b); });
  double positives = 0, negatives = 0, pairs = 0;
  for (std::size_t i = 0; i < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    for (const double score = scores(order[i]); i < order.size() && scores(order[i]) == score; ++i) {
      ++(is_positive(order[i]) ? tied_positives : tied_negatives);
    }
    pairs += tied_positives * (negatives + tied_negatives / 2);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  return pairs / (positives * negatives);
}

}  // namespace detail

/// The share of samples whose predicted label is right.
template <class P, class T>
double accuracy(const Eigen::DenseBase<P>& predicted, const Eigen::DenseBase<T>& t) {
  detail::check_predictions(predicted.size(), t.size(), "accuracy");
  constexpr Index any = (std::numeric_limits<int>::max)();
  const auto found = detail::checked_labels(predicted, any, "accuracy");
  const auto expected = detail::checked_labels(t, any, "accuracy");
  return static_cast<double>((found.array() == expected.array()).count()) / static_cast<double>(t.size());
}

/// The share of samples whose label is among the k classes with the largest scores. Among equal scores the
/// lower class counts as the larger, as in classify: top_k_accuracy(y, t, 1) is the accuracy of classify.
/// (scikit-learn prefers the higher class.) A label whose own score is nan counts as wrong; a nan of another
/// class counts as larger than the label's score.
/// Shapes: scores (or logits, or probabilities) K x B; t B labels in [0, K).
/// Errors: std::invalid_argument also if k is not in [1, K].
template <class Y, class T>
double top_k_accuracy(const Eigen::DenseBase<Y>& scores, const Eigen::DenseBase<T>& t, Index k) {
  const char* const who = "top_k_accuracy";
  detail::check_predictions(scores.cols(), t.size(), who);
  if (k < 1 || k > scores.rows()) {
    detail::raise<std::invalid_argument>({who, ": expected k in [1, ", scores.rows(), "], found ", k});
  }
  const auto labels = detail::checked_labels(t, scores.rows(), who);
  const Matrix<double> y = scores.derived().template cast<double>();
  Index right = 0;
  for (Index j = 0; j < y.cols(); ++j) {
    const Index label = labels(j);
    const double score = y(label, j);
    // Comparisons with nan are false: hence the negations.
    Index larger = std::isnan(score) ? k : 0;
    for (Index i = 0; i < y.rows(); ++i) {
      larger += i < label ? !(y(i, j) < score) : i > label && !(y(i, j) <= score);
    }
    right += larger < k;
  }
  return static_cast<double>(right) / static_cast<double>(t.size());
}

/// The number of samples of each class (row) that were predicted to be of each class (column).
/// Shapes: predicted and t B labels in [0, classes); the result classes x classes.
template <class P, class T>
Matrix<Index> confusion_matrix(const Eigen::DenseBase<P>& predicted, const Eigen::DenseBase<T>& t,
                               Index classes) {
  return detail::count_pairs(predicted, t, classes, "confusion_matrix");
}

struct PrecisionRecallF1 {
  double precision, recall, f1;
};

struct ClassificationReport {
  std::vector<PrecisionRecallF1> classes;
  Vector<Index> support;       // the number of samples of each class
  PrecisionRecallF1 macro;     // the mean over the classes
  PrecisionRecallF1 micro;     // over all decisions together: all three equal the accuracy
  PrecisionRecallF1 weighted;  // the mean over the classes, each weighted by its support
};

/// Precision, recall and their harmonic mean F1, for each class and averaged; 0 / 0 counts as 0.
///   precision = TP / (TP + FP),  recall = TP / (TP + FN),  F1 = 2 TP / (2 TP + FP + FN)
/// Shapes: predicted and t B labels in [0, classes).
template <class P, class T>
ClassificationReport precision_recall_f1(const Eigen::DenseBase<P>& predicted, const Eigen::DenseBase<T>& t,
                                         Index classes) {
  const Matrix<Index> counts = detail::count_pairs(predicted, t, classes, "precision_recall_f1");
  const auto ratio = [](double a, double b) { return b > 0 ? a / b : 0; };
  const auto add = [](PrecisionRecallF1& sum, double weight, const PrecisionRecallF1& term) {
    sum.precision += weight * term.precision;
    sum.recall += weight * term.recall;
    sum.f1 += weight * term.f1;
  };

  ClassificationReport report{{}, counts.rowwise().sum(), {}, {}, {}};
  for (Index c = 0; c < classes; ++c) {
    const auto hits = static_cast<double>(counts(c, c));
    const auto predictions = static_cast<double>(counts.col(c).sum());
    const auto support = static_cast<double>(report.support(c));
    report.classes.push_back(
        {ratio(hits, predictions), ratio(hits, support), ratio(2 * hits, predictions + support)});
    add(report.macro, 1 / static_cast<double>(classes), report.classes.back());
    add(report.weighted, support / static_cast<double>(t.size()), report.classes.back());
  }
  const double right = static_cast<double>(counts.trace()) / static_cast<double>(t.size());
  report.micro = {right, right, right};
  return report;
}

/// The area under the receiver operating characteristic; tied scores count half.
/// Shapes: with two classes, scores are B numbers (a vector or one row), higher for class 1, and t B labels
///         in [0, 2); with K, scores are K x B and t B labels in [0, K), and the result is the mean of K
///         areas, each of one class against the rest.
/// Errors: std::invalid_argument also if a score is nan, or a class has no sample.
/// Source: Fawcett, An introduction to ROC analysis (2006).
template <class Y, class T>
double roc_auc(const Eigen::DenseBase<Y>& scores, const Eigen::DenseBase<T>& t) {
  const char* const who = "roc_auc";
  const Matrix<double> y = detail::outputs_in_double(scores);
  detail::check_predictions(y.cols(), t.size(), who);
  const Index classes = std::max<Index>(y.rows(), 2);
  const auto labels = detail::checked_labels(t, classes, who);
  for (Index j = 0; j < y.cols(); ++j) {
    if (!(y.col(j).array() == y.col(j).array()).all()) {
      detail::raise<std::invalid_argument>({who, ": expected a score, found nan for sample ", j});
    }
  }
  for (Index c = 0; c < classes; ++c) {
    if ((labels.array() == c).count() == 0) {
      detail::raise<std::invalid_argument>(
          {who, ": expected samples of each of ", classes, " classes, found none of class ", c});
    }
  }
  if (y.rows() == 1) {
    return detail::area_under_roc(y.transpose(), [&](Index j) { return labels(j) == 1; });
  }
  double sum = 0;
  for (Index c = 0; c < classes; ++c) {
    sum += detail::area_under_roc(y.row(c).transpose(), [&](Index j) { return labels(j) == c; });
  }
  return sum / static_cast<double>(classes);
}

/// The coefficient of determination, averaged over the outputs. For an output whose targets are all equal it
/// is 1 if all predictions are right and 0 if not.
///   R2 = 1 - sum_j (t_j - y_j)^2 / sum_j (t_j - mean(t))^2
/// Shapes: y and t outputs x B; a vector is one output.
/// Errors: std::invalid_argument also if there is only one sample.
template <class Y, class T>
double r2_score(const Eigen::DenseBase<Y>& predicted, const Eigen::DenseBase<T>& targets) {
  const Matrix<double> y = detail::outputs_in_double(predicted), t = detail::outputs_in_double(targets);
  detail::check_outputs(y, t, "r2_score");
  if (t.cols() < 2) {
    detail::raise<std::invalid_argument>("r2_score: expected at least two samples, found one");
  }
  double sum = 0;
  for (Index i = 0; i < t.rows(); ++i) {
    const double residual = (t.row(i) - y.row(i)).stableNorm();
    const double spread = (t.row(i).array() - t.row(i).mean()).matrix().stableNorm();
    const bool is_constant = t.row(i).minCoeff() == t.row(i).maxCoeff();
    if (is_constant) sum += residual > 0 ? 0 : 1;
    else sum += 1 - (residual / spread) * (residual / spread);
  }
  return sum / static_cast<double>(t.rows());
}

/// The mean of |y - t| over all elements.
/// Shapes: y and t outputs x B; a vector is one output.
template <class Y, class T>
double mean_absolute_error(const Eigen::DenseBase<Y>& predicted, const Eigen::DenseBase<T>& targets) {
  const Matrix<double> y = detail::outputs_in_double(predicted), t = detail::outputs_in_double(targets);
  detail::check_outputs(y, t, "mean_absolute_error");
  return (y - t).cwiseAbs().mean();
}

}  // namespace mlp::inline MLP_ABI
