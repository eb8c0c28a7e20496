#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/tile.hpp>

#include <cmath>
#include <limits>

namespace mlp::inline MLP_ABI {

/// RMSprop, as torch.optim.RMSprop: the gradient divided by the root of its running mean square.
///   g = gradient + weight_decay * theta
///   v = alpha * v + (1 - alpha) * g^2
///   r = sqrt(v) + epsilon;  centered: h = alpha * h + (1 - alpha) * g,  r = sqrt(max(v - h^2, 0)) + epsilon
///   b = momentum * b + g / r
///   theta -= learning_rate * b
/// PyTorch has no max: its root is nan where rounding makes the variance v - h^2 negative. g is clamped to
/// the range in which its square is finite.
/// Errors: std::invalid_argument if learning_rate, epsilon or weight_decay is negative, or alpha or momentum
/// is not in [0, 1).
/// Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012); centered: Graves,
/// Generating Sequences With Recurrent Neural Networks (2013), equations 38-41.
struct RMSprop {
  static constexpr Index slots = 3;  // v, b, h

  double learning_rate = 1e-2;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;

  template <class Theta>
  void step(Theta& parameters, const auto& gradients, auto& slot_vectors, Index) const {
    using S = typename Theta::Scalar;
    const S rate = static_cast<S>(learning_rate), keep = static_cast<S>(alpha),
            fresh = static_cast<S>(1 - alpha), eps = static_cast<S>(epsilon),
            decay = static_cast<S>(weight_decay), mu = static_cast<S>(momentum);
    const S limit = std::sqrt((std::numeric_limits<S>::max)()) / 2;
    // g / r, after the update of v and h. Slots that the options do not need (h here, b below) are neither
    // read nor written.
    const auto scaled = [=](const auto& theta, const auto& gradient, auto& v, auto&... h) -> Tile<S> {
      const Tile<S> g = detail::clamped<S>(multiply_add(decay, theta, gradient), limit);
      v = multiply_add(keep, v, fresh * g * g);
      if constexpr (sizeof...(h) == 0) {
        return g / (elementary::sqrt(v) + eps);
      } else {
        ((h = multiply_add(keep, h, fresh * g)), ...);
        return g / (elementary::sqrt((multiply_add(-(h * ...), (h * ...), v).max)(S(0))) + eps);
      }
    };
    const auto run = [&](auto... columns_of_h) {
      if (momentum == 0) {
        for_each_tile(
            [=](auto& theta, const auto& gradient, auto& v, auto&... h) {
              theta = multiply_add(-rate, scaled(theta, gradient, v, h...), theta);
            },
            parameters, gradients, column(slot_vectors, 0), columns_of_h...);
      } else {
        for_each_tile(
            [=](auto& theta, const auto& gradient, auto& b, auto& v, auto&... h) {
              b = multiply_add(mu, b, scaled(theta, gradient, v, h...));
              theta = multiply_add(-rate, b, theta);
            },
            parameters, gradients, column(slot_vectors, 1), column(slot_vectors, 0), columns_of_h...);
      }
    };
    if (centered) run(column(slot_vectors, 2));
    else run();
  }

  void validate() const {
    const auto check = [](bool right, const char* expected, double found) {
      detail::check_option(right, "RMSprop", expected, found);
    };
    check(learning_rate >= 0, "learning_rate >= 0", learning_rate);
    check(alpha >= 0 && alpha < 1, "alpha in [0, 1)", alpha);
    check(epsilon >= 0, "epsilon >= 0", epsilon);
    check(weight_decay >= 0, "weight_decay >= 0", weight_decay);
    check(momentum >= 0 && momentum < 1, "momentum in [0, 1)", momentum);
  }
};

}  // namespace mlp::inline MLP_ABI
