#pragma once

#include <mlp/tile.hpp>
#include <mlp/types.hpp>

#include <cmath>
#include <stdexcept>
#include <string>

namespace mlp {

/// Mean softmax cross-entropy of logits against class labels, or against a matrix of class probabilities, as
/// torch.nn.CrossEntropyLoss.
///   labels:         L = 1/B sum_j ( logsumexp(y_j) - y_j[t_j] )
///   probabilities:  L = 1/B sum_j sum_k t_kj ( logsumexp(y_j) - y_kj )
///   dL/dy_j = ( s_j softmax(y_j) - t_j ) / B, with t_j one-hot for a label and s_j = sum_k t_kj
/// Shapes: y K x B logits; t B labels in [0, K), or K x B probabilities.
/// Units:  nats per sample.
/// Errors: std::invalid_argument if a label is out of range.
/// Predictions are softmax(y).
/// Source: Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.4.
struct SoftmaxCrossEntropy {
  template <class S>
  using Target = Labels;

  template <class Y, class T>
  typename Y::Scalar value(const Y& y, const T& t) const {
    check_labels(y, t);
    typename Y::Scalar sum = 0;
    for (Index j = 0; j < y.cols(); ++j) {
      const auto y_j = y.col(j);
      const auto max = y_j.maxCoeff();
      const auto exp_sum =
          sum_tiles<typename Y::Scalar>([max](const auto& a) { return (a - max).exp(); }, y_j);
      sum += cross_entropy(y_j, max, exp_sum, t, j);
    }
    return sum / static_cast<typename Y::Scalar>(y.cols());
  }

  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }

  template <class Y, class T>
  typename Y::Scalar value_and_gradient(const Y& y, const T& t, auto& dy) const {
    check_labels(y, t);
    using S = typename Y::Scalar;
    const S scale = S(1) / static_cast<S>(y.cols());
    S sum = 0;
    for (Index j = 0; j < y.cols(); ++j) {
      const auto y_j = y.col(j);
      auto dy_j = dy.col(j);
      const S max = y_j.maxCoeff();
      dy_j = y_j;
      const S exp_sum = exponentiate(dy_j, max);
      if constexpr (detail::is_labels<T>) {
        dy_j *= scale / exp_sum;
        dy_j(t(j)) -= scale;
      } else {
        dy_j *= scale * sum_tiles<S>([](const auto& p) { return p; }, t.col(j)) / exp_sum;
        dy_j -= scale * t.col(j);
      }
      sum += cross_entropy(y_j, max, exp_sum, t, j);
    }
    return scale * sum;
  }

  void link(auto& y) const noexcept {
    for (Index j = 0; j < y.cols(); ++j) {
      auto y_j = y.col(j);
      y_j /= exponentiate(y_j, y_j.maxCoeff());
    }
  }

  /// The share of samples whose largest logit is that of the label, or of the most probable class.
  template <class Y, class T>
  typename Y::Scalar accuracy(const Y& y, const T& t) const {
    Index right = 0;
    for (Index j = 0; j < y.cols(); ++j) {
      Index found = 0, expected = 0;
      y.col(j).maxCoeff(&found);
      if constexpr (detail::is_labels<T>) expected = t(j);
      else t.col(j).maxCoeff(&expected);
      right += found == expected;
    }
    return static_cast<typename Y::Scalar>(right) / static_cast<typename Y::Scalar>(y.cols());
  }

 private:
  // y_j becomes exp(y_j - max), whose sum is returned.
  template <class Y>
  static typename Y::Scalar exponentiate(Y& y_j, typename Y::Scalar max) {
    return sum_tiles<typename Y::Scalar>([max](auto& a) { return a = (a - max).exp(); }, y_j);
  }

  template <class Y, class T>
  static typename Y::Scalar cross_entropy(const Y& y_j, typename Y::Scalar max, typename Y::Scalar exp_sum,
                                          const T& t, Index j) {
    using S = typename Y::Scalar;
    using std::log;
    const S log_sum_exp = max + log(exp_sum);
    if constexpr (detail::is_labels<T>) {
      return log_sum_exp - y_j(t(j));
    } else {
      return sum_tiles<S>([=](const auto& a, const auto& p) { return p * (log_sum_exp - a); }, y_j, t.col(j));
    }
  }

  template <class Y, class T>
  static void check_labels(const Y& y, const T& t) {
    if constexpr (detail::is_labels<T>) {
      for (Index j = 0; j < t.size(); ++j) {
        if (t(j) < 0 || t(j) >= y.rows()) {
          detail::raise<std::invalid_argument>("SoftmaxCrossEntropy: expected labels in [0, " +
                                               std::to_string(y.rows()) + "), found " + std::to_string(t(j)) +
                                               " for sample " + std::to_string(j));
        }
      }
    }
  }
};

}  // namespace mlp
