#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mlp::inline MLP_ABI {

/// The differences between the gradients of the backward pass and central differences.
struct GradientCheck {
  /// The largest |analytic - numeric| / max(1, |analytic|, |numeric|) over theta; nan if any is.
  double worst_error = 0;
  Index worst_index = 0;  // its place in theta
  double analytic = 0;    // both derivatives there
  double numeric = 0;
  double worst_input_error = 0;  // the largest over x
  Index worst_input_index = 0;   // its place in x, column after column
};

/// Compares dL/dtheta and dL/dx of the backward pass with central differences of the forward pass
///   (L(q + h) - L(q - h)) / 2h,  h = step * max(1, |q|)
/// for every parameter and every input. The computation is in double for any scalar of the network, and each
/// pass draws the same random numbers. Right gradients have errors of about 1e-9; near a kink (ReLU at 0)
/// central differences mean nothing.
/// Shapes: x inputs x B; t B labels, or outputs x B.
template <class S, class L, class... Layers, class X, class T>
GradientCheck check_gradient(const BasicMlp<S, L, Layers...>& net, const Eigen::DenseBase<X>& x,
                             const Eigen::DenseBase<T>& t, double step = 1e-5) {
  BasicMlp<double, L, Layers...> copy = net.template cast<double>();
  Matrix<double> inputs = x.derived().template cast<double>();
  const auto targets = [&] {
    if constexpr (detail::is_labels<T>) return Labels(t.derived());
    else return Matrix<double>(t.derived().template cast<double>());
  }();

  auto ws = copy.workspace(inputs.cols());
  Vector<double> gradient, unused;
  Matrix<double> input_gradient;
  copy.loss_and_gradient(inputs, targets, ws, gradient, input_gradient);
  const auto loss = [&] {
    ws.rng = Rng{};
    copy.forward(inputs, ws);
    return copy.loss_function().value(ws.outputs(), targets);
  };

  GradientCheck result;
  const auto compare = [&](auto&& q, const auto& dq, double& worst_error, Index& worst_index,
                           auto&& when_worse) {
    for (Index i = 0; i < q.size(); ++i) {
      const double before = q(i), h = step * (std::max)(1., std::abs(before));
      q(i) = before + h;
      const double above = loss();
      q(i) = before - h;
      const double below = loss();
      q(i) = before;
      const double numeric = (above - below) / (2 * h);
      const double error = std::abs(dq(i) - numeric) / (std::max)({1., std::abs(dq(i)), std::abs(numeric)});
      if (!(error <= worst_error)) {
        worst_error = error;
        worst_index = i;
        when_worse(dq(i), numeric);
        if (std::isnan(error)) return;
      }
    }
  };
  const auto vector_of = [](auto& m) { return matrix_view<Dynamic, 1>(m.data(), m.size(), 1); };
  compare(copy.parameters(), gradient, result.worst_error, result.worst_index,
          [&](double analytic, double numeric) {
            result.analytic = analytic;
            result.numeric = numeric;
          });
  compare(vector_of(inputs), vector_of(input_gradient), result.worst_input_error, result.worst_input_index,
          [](double, double) {});
  return result;
}

}  // namespace mlp::inline MLP_ABI
