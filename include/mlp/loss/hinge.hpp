#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/loss/mean_over_elements.hpp>
#include <mlp/loss/share_of_largest.hpp>

namespace mlp::inline MLP_ABI {

/// The loss of support vector machines: 0 where the correct class leads by at least 1.
///   targets +-1:  L = 1/(K B) sum_kj max(0, 1 - t_kj y_kj), as Keras' Hinge
///   labels:       L = 1/(K B) sum_j sum_{k != t_j} max(0, 1 - y_j[t_j] + y_kj), as torch.nn.MultiMarginLoss
/// dL/dy is the sum of the slopes of the terms that are above 0.
/// Shapes: y K x B scores; t B labels in [0, K), or K x B numbers +-1.
/// Units:  the scores'.
/// Errors: std::invalid_argument if a label is out of range.
/// Predictions are the scores themselves.
/// Source: Weston and Watkins, Support Vector Machines for Multi-Class Pattern Recognition (1999).
struct Hinge {
  static constexpr const char* name = "Hinge";
  template <class S>
  using Target = Labels;
  static constexpr double threshold = 0;

  template <class Y, class T>
  typename Y::Scalar value(const Y& y, const T& t) const {
    if constexpr (detail::is_labels<T>) {
      detail::check_labels("Hinge", y.rows(), t);
      typename Y::Scalar sum = 0;
      for (Index j = 0; j < y.cols(); ++j) {
        sum += over_other_classes(y, t, j, [](Index, bool) {});
      }
      return sum / static_cast<typename Y::Scalar>(y.size());
    } else {
      return detail::mean(terms, y, t);
    }
  }

  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }

  template <class Y, class T>
  typename Y::Scalar value_and_gradient(const Y& y, const T& t, auto& dy) const {
    using S = typename Y::Scalar;
    if constexpr (detail::is_labels<T>) {
      detail::check_labels("Hinge", y.rows(), t);
      const S scale = S(1) / static_cast<S>(y.size());
      S sum = 0;
      for (Index j = 0; j < y.cols(); ++j) {
        Index violations = 0;
        sum += over_other_classes(y, t, j, [&](Index k, bool violates) {
          dy(k, j) = violates ? scale : S(0);
          violations += violates;
        });
        dy(t(j), j) = -scale * static_cast<S>(violations);
      }
      return scale * sum;
    } else {
      return detail::mean_and_gradient(terms, y, t, dy);
    }
  }

  void to_prediction(auto&) const noexcept {}

  /// The share of scores with the sign of their target, or of samples whose largest score is the label's.
  template <class Y, class T>
  typename Y::Scalar accuracy(const Y& y, const T& t) const {
    using S = typename Y::Scalar;
    if constexpr (detail::is_labels<T>) return detail::share_of_largest(y, t);
    else return ((y.array() > S(0)) == (t.array() > S(0))).template cast<S>().mean();
  }

 private:
  // A term that is NaN counts as above 0, since comparisons with NaN are false.
  static constexpr auto terms = []<class A>(const A& y, const A& t, A& dy) -> A {
    A result = multiply_add(-t, y, 1);
    for (Index i = 0; i < y.size(); ++i) {
      dy(i) = result(i) <= 0 ? 0 : -t(i);
      result(i) = result(i) <= 0 ? 0 : result(i);
    }
    return result;
  };

  // sum_{k != t_j} max(0, 1 - y_j[t_j] + y_kj). Calls see(k, whether term k is above 0) for each k != t_j.
  template <class Y>
  static typename Y::Scalar over_other_classes(const Y& y, const auto& t, Index j, auto&& see) {
    typename Y::Scalar sum = 0;
    for (Index k = 0; k < y.rows(); ++k) {
      if (k == t(j)) continue;
      const auto margin = 1 + (y(k, j) - y(t(j), j));
      const bool violates = !(margin <= 0);
      if (violates) sum += margin;
      see(k, violates);
    }
    return sum;
  }
};

}  // namespace mlp::inline MLP_ABI
