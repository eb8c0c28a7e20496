#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/loss/mean_over_elements.hpp>

namespace mlp::inline MLP_ABI {

/// Squared error near the target and absolute error far from it, so that outliers pull with a bounded force;
/// the mean over all elements, as torch.nn.HuberLoss.
///   L = 1/(K B) sum_kj h(y_kj - t_kj),  h(e) = e^2 / 2 if |e| <= delta, else delta (|e| - delta / 2)
///   dL/dy = clamp(y - t, -delta, delta) / (K B)
/// Shapes: y K x B outputs; t K x B values.
/// Units:  the targets', squared.
/// Errors: std::invalid_argument unless delta > 0.
/// Predictions are the outputs themselves.
/// Source: Huber, Robust Estimation of a Location Parameter (1964).
struct Huber {
  static constexpr const char* name = "Huber";
  template <class S>
  using Target = Matrix<S>;

  double delta = 1;

  static void each_option(auto& self, auto&& f) { f("delta", self.delta); }

  template <class Y>
  auto value(const Y& y, const auto& t) const {
    return detail::mean(terms<typename Y::Scalar>(), y, t);
  }
  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }
  template <class Y>
  auto value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    return detail::mean_and_gradient(terms<typename Y::Scalar>(), y, t, dy);
  }

  void to_prediction(auto&) const noexcept {}

  void validate() const { detail::check_option(delta > 0, "Huber", "delta > 0", delta); }

 private:
  template <class S>
  auto terms() const {
    return [d = static_cast<S>(delta)]<class A>(const A& y, const A& t, A& dy) -> A {
      const A e = y - t;
      for (Index i = 0; i < e.size(); ++i) dy(i) = e(i) < -d ? -d : e(i) > d ? d : e(i);
      return rounded_product(dy, e - dy / 2);
    };
  }
};

}  // namespace mlp::inline MLP_ABI
