#pragma once

#include <mlp/activation/sigmoid.hpp>
#include <mlp/tile.hpp>
#include <mlp/types.hpp>

namespace mlp {

/// Cross-entropy of independent yes-or-no decisions against their probabilities, from logits, as
/// torch.nn.BCEWithLogitsLoss: the mean over all elements.
///   L = 1/(K B) sum_kj ( softplus(y_kj) - t_kj y_kj ),  dL/dy = (sigmoid(y) - t) / (K B)
/// with softplus(y) = max(y, 0) + log(1 + exp(-|y|)), which overflows nowhere.
/// Shapes: y K x B logits; t K x B values in [0, 1].
/// Units:  nats per decision.
/// Predictions are sigmoid(y).
struct BinaryCrossEntropy {
  template <class S>
  using Target = Matrix<S>;

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    return sum_tiles<S>(
               [](const auto& logit, const auto& b) { return term(logit, b, exp_of_minus_abs(logit)); }, y,
               t) /
           static_cast<S>(y.size());
  }

  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }

  template <class Y>
  typename Y::Scalar value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    using S = typename Y::Scalar;
    const S scale = S(1) / static_cast<S>(y.size());
    return scale * sum_tiles<S>(
                       [scale](const auto& logit, const auto& b, auto& d) {
                         auto e = exp_of_minus_abs(logit);
                         for (Index i = 0; i < d.size(); ++i) {
                           const S probability = (logit(i) > 0 ? 1 : e(i)) / (1 + e(i));
                           d(i) = scale * (probability - b(i));
                         }
                         return term(logit, b, e);
                       },
                       y, t, dy);
  }

  void link(auto& y) const noexcept {
    for_each_tile([](auto& a) { Sigmoid{}.forward(a); }, y);
  }

  /// The share of decisions in which y and t lie on the same side of one half.
  template <class Y>
  typename Y::Scalar accuracy(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    return ((y.array() > S(0)) == (t.array() > S(0.5))).template cast<S>().mean();
  }

 private:
  template <class T>
  static T exp_of_minus_abs(const T& y) {
    return (-y.abs()).exp();
  }

  template <class T>
  static T term(const T& y, const T& t, const T& e) {
    T sum = e.log1p();
    for (Index i = 0; i < y.size(); ++i) sum(i) += (y(i) > 0 ? y(i) : 0) - t(i) * y(i);
    return sum;
  }
};

}  // namespace mlp
