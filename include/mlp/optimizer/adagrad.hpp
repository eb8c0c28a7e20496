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

/// Adagrad, as torch.optim.Adagrad: the gradient divided by the root of the sum of all its squares so far.
///   g = gradient + weight_decay * theta
///   s = s + g^2, starting at initial_accumulator_value
///   theta -= learning_rate / (1 + (t - 1) * learning_rate_decay) * g / (sqrt(s) + epsilon)
/// g is clamped to the range in which its square is finite, and s to the largest finite number.
/// Errors: std::invalid_argument if an option is negative.
/// Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
/// Optimization (2011), with a diagonal matrix.
struct Adagrad {
  static constexpr Index slots = 1;  // s

  double learning_rate = 1e-2;
  double learning_rate_decay = 0;
  double weight_decay = 0;
  double initial_accumulator_value = 0;
  double epsilon = 1e-10;

  template <class Theta>
  void step(Theta& parameters, const auto& gradients, auto& slot_vectors, Index t) const {
    using S = typename Theta::Scalar;
    const S rate = static_cast<S>(learning_rate /
                                  multiply_add(static_cast<double>(t - 1), learning_rate_decay, 1.)),
            decay = static_cast<S>(weight_decay), eps = static_cast<S>(epsilon),
            initial = static_cast<S>(t == 1 ? initial_accumulator_value : 0);
    const S limit = std::sqrt((std::numeric_limits<S>::max)()) / 2;
    for_each_tile(
        [=](auto& theta, const auto& gradient, auto& s) {
          const Tile<S> g = detail::clamped<S>(multiply_add(decay, theta, gradient), limit);
          s = (multiply_add(g, g, s + initial).min)((std::numeric_limits<S>::max)());
          theta -= rate * g / (elementary::sqrt(s) + eps);
        },
        parameters, gradients, column(slot_vectors, 0));
  }

  void validate() const {
    const auto check = [](bool right, const char* expected, double found) {
      detail::check_option(right, "Adagrad", expected, found);
    };
    check(learning_rate >= 0, "learning_rate >= 0", learning_rate);
    check(learning_rate_decay >= 0, "learning_rate_decay >= 0", learning_rate_decay);
    check(weight_decay >= 0, "weight_decay >= 0", weight_decay);
    check(initial_accumulator_value >= 0, "initial_accumulator_value >= 0", initial_accumulator_value);
    check(epsilon >= 0, "epsilon >= 0", epsilon);
  }
};

}  // namespace mlp::inline MLP_ABI
