#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/loss/share_of_largest.hpp>
#include <mlp/loss/weight_options.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlp::inline MLP_ABI {

/// Mean softmax cross-entropy of logits against class labels, or against a matrix of class probabilities, as
/// torch.nn.CrossEntropyLoss.
///   labels:         L = 1/B sum_j ( logsumexp(y_j) - y_j[t_j] )
///   probabilities:  L = 1/B sum_j sum_k t_kj ( logsumexp(y_j) - y_kj )
///   dL/dy_j = ( s_j softmax(y_j) - t_j ) / B, with t_j one-hot for a label and s_j = sum_k t_kj
/// With class_weights w and label_smoothing a, q_kj = w_k ((1 - a) t_kj + a / K) takes the place of t_kj, and
/// for labels W = sum_j w[t_j] takes the place of B. If W = 0, the loss and its gradient are 0.
/// Shapes: y K x B logits; t B labels in [0, K), or K x B probabilities; class_weights none or K.
/// Units:  nats per sample.
/// Errors: std::invalid_argument if a label is out of range; if a class weight is negative or not finite, all
/// class weights are 0, or their number is not K; or if label_smoothing is not in [0, 1).
/// Predictions are softmax(y).
/// Source: Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.4; Szegedy, Vanhoucke, Ioffe,
/// Shlens and Wojna, Rethinking the Inception Architecture for Computer Vision (2016), section 7.
struct SoftmaxCrossEntropy {
  static constexpr const char* name = "SoftmaxCrossEntropy";
  template <class S>
  using Target = Labels;

  std::vector<double> class_weights = {};
  double label_smoothing = 0;

  static void each_option(auto& self, auto&& f) {
    f("class_weights", self.class_weights);
    f("label_smoothing", self.label_smoothing);
  }

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    return is_plain() ? value<true>(y, t) : value<false>(y, t);
  }

  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }

  template <class Y>
  typename Y::Scalar value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    return is_plain() ? value_and_gradient<true>(y, t, dy) : value_and_gradient<false>(y, t, dy);
  }

  /// The denominator of the mean: W for labels with class weights, otherwise the number of samples.
  template <class T>
  double weight(const T& t) const {
    if constexpr (detail::is_labels<T>) {
      if (class_weights.empty()) return static_cast<double>(t.size());
      detail::check_labels("SoftmaxCrossEntropy", static_cast<Index>(class_weights.size()), t);
      double sum = 0;
      for (Index j = 0; j < t.size(); ++j) sum += class_weights[static_cast<std::size_t>(t(j))];
      return sum;
    } else {
      return static_cast<double>(t.cols());
    }
  }

  void to_prediction(auto& y) const noexcept {
    for (Index j = 0; j < y.cols(); ++j) {
      auto y_j = y.col(j);
      y_j /= exponentiate(y_j, y_j.maxCoeff());
    }
  }

  /// The share of samples whose largest logit is the label's or, with probabilities, that of the most
  /// probable class.
  auto accuracy(const auto& y, const auto& t) const { return detail::share_of_largest(y, t); }

  void validate() const {
    detail::check_weights_option(weights_name, class_weights);
    if (!class_weights.empty() &&
        std::count(class_weights.begin(), class_weights.end(), 0.) == std::ssize(class_weights))
      detail::raise<std::invalid_argument>({weights_name, " of which one is above 0, found none"});
    detail::check_option(label_smoothing >= 0 && label_smoothing < 1, "SoftmaxCrossEntropy",
                         "label_smoothing in [0, 1)", label_smoothing);
  }

  void validate(Index outputs) const {
    detail::check_weight_count(weights_name, class_weights, outputs, " classes");
  }

 private:
  static constexpr auto weights_name = "SoftmaxCrossEntropy: expected class_weights";

  bool is_plain() const { return class_weights.empty() && label_smoothing == 0; }

  template <bool Plain, class Y, class T>
  typename Y::Scalar value(const Y& y, const T& t) const {
    using S = typename Y::Scalar;
    detail::check_labels("SoftmaxCrossEntropy", y.rows(), t);
    S sum = 0;
    for (Index j = 0; j < y.cols(); ++j) {
      const auto y_j = y.col(j);
      const S max = y_j.maxCoeff();
      const S exp_sum = sum_tiles<S>([max](const auto& a) { return elementary::exp(a - max); }, y_j);
      sum += cross_entropy<Plain>(y_j, max + elementary::log(exp_sum), t, j);
    }
    return scale<S>(t) * sum;
  }

  template <bool Plain, class Y, class T>
  typename Y::Scalar value_and_gradient(const Y& y, const T& t, auto& dy) const {
    using S = typename Y::Scalar;
    detail::check_labels("SoftmaxCrossEntropy", y.rows(), t);
    const S scale = this->scale<S>(t);
    S sum = 0;
    for (Index j = 0; j < y.cols(); ++j) {
      const auto y_j = y.col(j);
      auto dy_j = dy.col(j);
      const S max = y_j.maxCoeff();
      dy_j = y_j;
      const S exp_sum = exponentiate(dy_j, max);
      if constexpr (!Plain) {
        softmax_minus_q(dy_j, exp_sum, t, j);
        dy_j *= scale;
      } else if constexpr (detail::is_labels<T>) {
        const S factor = scale / exp_sum, of_label = multiply_add(dy_j(t(j)), factor, -scale);
        dy_j *= factor;
        dy_j(t(j)) = of_label;
      } else {
        const S factor = scale * sum_tiles<S>([](const auto& p) { return p; }, t.col(j)) / exp_sum;
        for_each_tile([=](const auto& p, auto& d) { d = multiply_add(factor, d, -scale * p); }, t.col(j),
                      dy_j);
      }
      sum += cross_entropy<Plain>(y_j, max + elementary::log(exp_sum), t, j);
    }
    return scale * sum;
  }

  template <class S>
  S scale(const auto& t) const {
    const double w = weight(t);
    return w > 0 ? static_cast<S>(1 / w) : S(0);
  }

  // Sets y_j to exp(y_j - max) and returns the sum.
  template <class Y>
  static typename Y::Scalar exponentiate(Y& y_j, typename Y::Scalar max) {
    return sum_tiles<typename Y::Scalar>([max](auto& a) { return a = elementary::exp(a - max); }, y_j);
  }

  // The term of sample j: sum_k q_kj (logsumexp(y_j) - y_kj). Plain: without weights and smoothing, q = t.
  template <bool Plain, class Y, class T>
  typename Y::Scalar cross_entropy(const Y& y_j, typename Y::Scalar log_sum_exp, const T& t, Index j) const {
    using S = typename Y::Scalar;
    if constexpr (!Plain) {
      const S sum = sum_classes<S>(
          [=](const auto& q, const auto& a) { return rounded_product(q, log_sum_exp - a); }, t, j, y_j);
      if constexpr (detail::is_labels<T>) {
        return multiply_add(q_of_label<S>(t(j)), log_sum_exp - y_j(t(j)), sum);
      } else return sum;
    } else if constexpr (detail::is_labels<T>) {
      return log_sum_exp - y_j(t(j));
    } else {
      return sum_tiles<S>([=](const auto& a, const auto& p) { return rounded_product(p, log_sum_exp - a); },
                          y_j, t.col(j));
    }
  }

  // Turns e = exp(y_j - max), whose sum is exp_sum, into (sum_k q_kj) softmax(y_j) - q_j.
  template <class E, class T>
  void softmax_minus_q(E& e, typename E::Scalar exp_sum, const T& t, Index j) const {
    using S = typename E::Scalar;
    S q_sum = sum_classes<S>([](const auto& q, const auto&) { return q; }, t, j, e);
    if constexpr (detail::is_labels<T>) q_sum += q_of_label<S>(t(j));
    const S factor = q_sum / exp_sum;
    sum_classes<S>([=](const auto& q, auto& a) -> Tile<S> { return a = multiply_add(factor, a, -q); }, t, j,
                   e);
    if constexpr (detail::is_labels<T>) e(t(j)) -= q_of_label<S>(t(j));
  }

  // The sum over the classes of f(q, a), for tiles of q_j and of a vector a. For labels, q lacks the term
  // w_k (1 - label_smoothing) of the label's own class, which q_of_label returns.
  template <class S, class T>
  S sum_classes(const auto& f, const T& t, Index j, auto&& a) const {
    const S rest = static_cast<S>(1 - label_smoothing);
    const S share = static_cast<S>(label_smoothing / static_cast<double>(a.size()));
    const auto weighted = []<class... W>(const Tile<S>& q, const W&... w) {
      if constexpr (sizeof...(W) == 0) return q;
      else return rounded_product(q, (w.template cast<S>() * ...));
    };
    const auto sum = [&](const auto&... weights) {
      if constexpr (detail::is_labels<T>) {
        return sum_tiles<S>(
            [&](auto& tile, const auto&... w) { return f(weighted(Tile<S>::Constant(share), w...), tile); },
            a, weights...);
      } else {
        return sum_tiles<S>(
            [&](auto& tile, const auto& p, const auto&... w) {
              return f(weighted(multiply_add(rest, p, share), w...), tile);
            },
            a, t.col(j), weights...);
      }
    };
    if (class_weights.empty()) return sum();
    return sum(Eigen::Map<const Vector<double>>(class_weights.data(), a.size()));
  }

  template <class S>
  S q_of_label(Index label) const {
    const double w = class_weights.empty() ? 1 : class_weights[static_cast<std::size_t>(label)];
    return static_cast<S>(w * (1 - label_smoothing));
  }
};

}  // namespace mlp::inline MLP_ABI
