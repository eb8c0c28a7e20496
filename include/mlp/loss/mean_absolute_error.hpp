#pragma once

#include <mlp/base/types.hpp>
#include <mlp/loss/mean_over_elements.hpp>

namespace mlp::inline MLP_ABI {

/// Mean of the absolute errors over all elements, as torch.nn.L1Loss.
///   L = 1/(K B) sum_kj |y_kj - t_kj|,  dL/dy = sign(y - t) / (K B), with sign(0) = 0
/// Shapes: y K x B outputs; t K x B values.
/// Units:  the targets'.
/// Predictions are the outputs themselves.
struct MeanAbsoluteError {
  static constexpr const char* name = "MeanAbsoluteError";
  template <class S>
  using Target = Matrix<S>;

  auto value(const auto& y, const auto& t) const { return detail::mean(terms, y, t); }
  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }
  auto value_and_gradient(const auto& y, const auto& t, auto& dy) const {
    return detail::mean_and_gradient(terms, y, t, dy);
  }

  void to_prediction(auto&) const noexcept {}

 private:
  static constexpr auto terms = []<class A>(const A& y, const A& t, A& dy) -> A {
    using S = typename A::Scalar;
    for (Index i = 0; i < y.size(); ++i) dy(i) = S(y(i) > t(i)) - S(y(i) < t(i));
    return (y - t).abs();
  };
};

}  // namespace mlp::inline MLP_ABI
