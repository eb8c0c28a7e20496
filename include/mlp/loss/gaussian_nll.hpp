#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>

#include <stdexcept>
#include <string>

namespace mlp::inline MLP_ABI {

/// Negative log likelihood of values under normal distributions whose means and variances the network
/// predicts, as torch.nn.GaussianNLLLoss: the mean over all elements of t. The first K of a sample's 2K
/// outputs are the means m, the last K are the logarithms s of the variances v.
///   v = exp(s) + epsilon,  L = 1/(K B) sum_kj 1/2 ( log v_kj + (m_kj - t_kj)^2 / v_kj )
///   dL/dm = (m - t) / v / (K B),  dL/ds = 1/2 (1 - (m - t)^2 / v) exp(s) / v / (K B)
/// in a form that no s overflows: no term computes exp(s) itself.
/// Shapes: y 2K x B outputs; t K x B values.
/// Units:  nats per value, up to the constant log(2 pi) / 2.
/// Errors: std::invalid_argument unless epsilon > 0 and the number of outputs is even.
/// Predictions are the means and, below them, the variances.
/// Source: Nix and Weigend, Estimating the Mean and Variance of the Target Probability Distribution (1994).
struct GaussianNLL {
  static constexpr const char* name = "GaussianNLL";
  template <class S>
  using Target = Matrix<S>;
  static constexpr Index outputs_per_target = 2;

  double epsilon = 1e-6;

  static void each_option(auto& self, auto&& f) { f("epsilon", self.epsilon); }

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    const auto f = terms<S>();
    return sum_tiles<S>(
               [&](const auto& m, const auto& s, const auto& b) {
                 Tile<S> dm, ds;
                 return f(m, s, b, dm, ds);
               },
               y.topRows(t.rows()), y.bottomRows(t.rows()), t) /
           static_cast<S>(t.size());
  }

  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }

  template <class Y>
  typename Y::Scalar value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    using S = typename Y::Scalar;
    const auto f = terms<S>();
    const S scale = S(1) / static_cast<S>(t.size());
    return scale * sum_tiles<S>(
                       [&](const auto& m, const auto& s, const auto& b, auto& dm, auto& ds) {
                         const Tile<S> result = f(m, s, b, dm, ds);
                         dm *= scale;
                         ds *= scale;
                         return result;
                       },
                       y.topRows(t.rows()), y.bottomRows(t.rows()), t, dy.topRows(t.rows()),
                       dy.bottomRows(t.rows()));
  }

  template <class Y>
  void to_prediction(Y& y) const noexcept {
    const auto eps = static_cast<typename Y::Scalar>(epsilon);
    for_each_tile([eps](auto& a) { a = elementary::exp(a) + eps; }, y.bottomRows(y.rows() / 2));
  }

  void validate() const { detail::check_option(epsilon > 0, "GaussianNLL", "epsilon > 0", epsilon); }

  void validate(Index outputs) const {
    if (outputs % 2 != 0)
      detail::raise<std::invalid_argument>(
          {"GaussianNLL: expected an even number of outputs, means and variances, found ", outputs});
  }

 private:
  // With l the larger of s and log(epsilon), and e = exp(-|s - log(epsilon)|):
  //   log v = l + log(1 + e),  1 / v = exp(-l) / (1 + e),  exp(s) / v = (1 or e) / (1 + e)
  template <class S>
  auto terms() const {
    return [log_eps = static_cast<S>(elementary::log(epsilon))]<class A>(const A& m, const A& s, const A& t,
                                                                         A& dm, A& ds) -> A {
      A larger;
      for (Index i = 0; i < s.size(); ++i) larger(i) = s(i) < log_eps ? log_eps : s(i);
      const A e = elementary::exp(-(s - log_eps).abs());
      dm = (m - t) * elementary::exp(-larger) / (1 + e);
      const A square = rounded_product(dm, m - t);
      for (Index i = 0; i < s.size(); ++i)
        ds(i) = (1 - square(i)) / 2 * (s(i) < log_eps ? e(i) : 1) / (1 + e(i));
      return (larger + elementary::log1p_up_to_1(e) + square) / 2;
    };
  }
};

}  // namespace mlp::inline MLP_ABI
