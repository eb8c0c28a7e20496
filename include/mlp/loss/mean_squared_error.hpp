#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/loss/mean_over_elements.hpp>

namespace mlp::inline MLP_ABI {

/// Mean of the squared errors over all elements, as torch.nn.MSELoss.
///   L = 1/(K B) sum_kj (y_kj - t_kj)^2,  dL/dy = 2 (y - t) / (K B)
/// Shapes: y K x B outputs; t K x B values.
/// Units:  the targets', squared.
/// Predictions are the outputs themselves.
struct MeanSquaredError {
  static constexpr const char* name = "MeanSquaredError";
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
    const A e = y - t;
    dy = 2 * e;
    return rounded_product(e, e);
  };
};

}  // namespace mlp::inline MLP_ABI
