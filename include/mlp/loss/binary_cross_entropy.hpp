#pragma once

#include <mlp/activation/sigmoid.hpp>
#include <mlp/base/elementary.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/loss/mean_over_elements.hpp>
#include <mlp/loss/weight_options.hpp>

#include <vector>

namespace mlp::inline MLP_ABI {

/// Cross-entropy between independent yes-or-no decisions and their probabilities, from logits, as
/// torch.nn.BCEWithLogitsLoss: the mean over all elements.
///   L = 1/(K B) sum_kj ( softplus(y_kj) - t_kj y_kj ),  dL/dy = (sigmoid(y) - t) / (K B)
/// with softplus(y) = max(y, 0) + log(1 + exp(-|y|)), which never overflows. With positive_weights p, one for
/// all outputs or one for each output (above 1 where a yes is rare and must not be missed):
///   L = 1/(K B) sum_kj ( (1 - t_kj) softplus(y_kj) + p_k t_kj softplus(-y_kj) )
/// Shapes: y K x B logits; t K x B values in [0, 1]; positive_weights none, 1 or K.
/// Units:  nats per decision.
/// Errors: std::invalid_argument if a weight is negative or not finite, or their number is neither 1 nor K.
/// Predictions are sigmoid(y).
struct BinaryCrossEntropy {
  static constexpr const char* name = "BinaryCrossEntropy";
  template <class S>
  using Target = Matrix<S>;

  std::vector<double> positive_weights = {};

  static void each_option(auto& self, auto&& f) { f("positive_weights", self.positive_weights); }

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    if (!positive_weights.empty())
      return weighted(y, [&](const auto& f, const auto&... w) { return detail::mean(f, y, t, w...); });
    return sum_tiles<S>(
               [](const auto& logit, const auto& b) { return term(logit, b, exp_of_minus_abs(logit)); }, y,
               t) /
           static_cast<S>(y.size());
  }

  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }

  template <class Y>
  typename Y::Scalar value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    if (!positive_weights.empty())
      return weighted(
          y, [&](const auto& f, const auto&... w) { return detail::mean_and_gradient(f, y, t, dy, w...); });
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

  void to_prediction(auto& y) const noexcept {
    for_each_tile([](auto& a) { Sigmoid{}.forward(a); }, y);
  }

  /// The share of decisions for which sigmoid(y) and t lie on the same side of 1/2.
  template <class Y>
  typename Y::Scalar accuracy(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    return ((y.array() > S(0)) == (t.array() > S(0.5))).template cast<S>().mean();
  }

  void validate() const { detail::check_weights_option(weights_name, positive_weights); }

  void validate(Index outputs) const {
    if (positive_weights.size() != 1)
      detail::check_weight_count(weights_name, positive_weights, outputs, " outputs");
  }

 private:
  static constexpr auto weights_name = "BinaryCrossEntropy: expected positive_weights";

  // Returns use(f, w...), where f computes the terms for mean and mean_and_gradient, and w is the matrix of
  // weights if each output has its own. Inlined, it would slow down the loops without weights.
  template <class Y>
  EIGEN_DONT_INLINE typename Y::Scalar weighted(const Y& y, auto&& use) const {
    using S = typename Y::Scalar;
    if (positive_weights.size() == 1) {
      const Tile<S> p = Tile<S>::Constant(static_cast<S>(positive_weights[0]));
      return use([p](const auto& a, const auto& b, auto& d) { return weighted_terms(a, b, d, p); });
    }
    // With a stride of 0, the column of every sample is the weights.
    const Eigen::Map<const Matrix<double>, 0, Eigen::OuterStride<>> weights(
        positive_weights.data(), y.rows(), y.cols(), Eigen::OuterStride<>(0));
    return use([](const auto& a, const auto& b, auto& d,
                  const auto& p) { return weighted_terms(a, b, d, Tile<S>(p.template cast<S>())); },
               weights);
  }

  template <class T>
  static T exp_of_minus_abs(const T& y) {
    return elementary::exp(-y.abs());
  }

  template <class T>
  static T term(const T& y, const T& t, const T& e) {
    T positive;
    for (Index i = 0; i < y.size(); ++i) positive(i) = y(i) > 0 ? y(i) : 0;
    return elementary::log1p_up_to_1(e) + multiply_add(-t, y, positive);
  }

  template <class T>
  static T weighted_terms(const T& y, const T& t, T& dy, const T& p) {
    const T e = exp_of_minus_abs(y), log = elementary::log1p_up_to_1(e);
    T sum;
    for (Index i = 0; i < y.size(); ++i) {
      const auto yes = p(i) * t(i), no = 1 - t(i);
      dy(i) = (y(i) > 0 ? multiply_add(-yes, e(i), no) : multiply_add(no, e(i), -yes)) / (1 + e(i));
      sum(i) = multiply_add(no + yes, log(i), (y(i) > 0 ? no : -yes) * y(i));
    }
    return sum;
  }
};

}  // namespace mlp::inline MLP_ABI
