#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/kernel/norm.hpp>
#include <mlp/kernel/tile.hpp>

#include <algorithm>
#include <type_traits>

namespace mlp::inline MLP_ABI {

/// Scales a gradient in place to a 2-norm of at most max_norm (up to rounding):
///   g = g min(1, max_norm / norm(g))
/// Returns the norm before. As torch.nn.utils.clip_grad_norm_, without the 1e-6 that PyTorch adds to the norm.
/// A gradient with a nan becomes nan everywhere; one with an infinity becomes nan there and 0 elsewhere.
/// Errors: std::invalid_argument if max_norm is not > 0.
/// Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013).
template <class G>
double clip_norm(G&& gradient, double max_norm) {
  using S = typename std::remove_cvref_t<G>::Scalar;
  detail::check_option(max_norm > 0, "clip_norm", "max_norm > 0", max_norm);
  const double before = norm(gradient);
  if (!(before <= max_norm)) {
    const double scale = max_norm / before;  // in double, since it may be too small for float
    for_each_tile(
        [=](auto& g) {
          for (S& x : g) x = static_cast<S>(scale * static_cast<double>(x));
        },
        gradient);
  }
  return before;
}

/// Clamps each coefficient of a gradient to [-limit, limit], in place; a nan stays nan.
/// Errors: std::invalid_argument if limit is not > 0.
template <class G>
void clip_value(G&& gradient, double limit) {
  detail::check_option(limit > 0, "clip_value", "limit > 0", limit);
  using S = typename std::remove_cvref_t<G>::Scalar;
  const S high = static_cast<S>(limit);
  for_each_tile(
      [=](auto& g) {
        for (S& x : g) x = std::clamp(x, -high, high);
      },
      gradient);
}

}  // namespace mlp::inline MLP_ABI
