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

namespace detail {

// The step of Adam and AdamW, which differ in their weight decay alone:
//   g = gradient + decay * theta
//   theta = keep * theta - learning_rate * m^ / (sqrt(v^) + epsilon)
template <class Theta>
void adam_step(const auto& options, double decay, double keep, Theta& parameters, const auto& gradients,
               auto& slot_vectors, Index t) {
  using S = typename Theta::Scalar;
  // learning_rate m^ = rate m, and sqrt(v^) = root sqrt(v).
  const S rate = static_cast<S>(options.learning_rate / (1 - elementary::power(options.beta1, t))),
          root = static_cast<S>(1 / std::sqrt(1 - elementary::power(options.beta2, t))),
          epsilon = static_cast<S>(options.epsilon), to_g = static_cast<S>(decay),
          kept = static_cast<S>(keep), beta1 = static_cast<S>(options.beta1),
          new1 = static_cast<S>(1 - options.beta1), beta2 = static_cast<S>(options.beta2),
          new2 = static_cast<S>(1 - options.beta2);
  const S limit = std::sqrt((std::numeric_limits<S>::max)()) / 2;
  for_each_tile(
      [=](auto& theta, const auto& gradient, auto& m, auto& v) {
        const Tile<S> g = detail::clamped<S>(multiply_add(to_g, theta, gradient), limit);
        m = multiply_add(beta1, m, new1 * g);
        v = multiply_add(beta2, v, new2 * g * g);
        theta = multiply_add(kept, theta, -rate * m / multiply_add(root, elementary::sqrt(v), epsilon));
      },
      parameters, gradients, column(slot_vectors, 0), column(slot_vectors, 1));
}

inline void validate_adam(const auto& options, const char* who) {
  const auto check = [=](bool right, const char* expected, double found) {
    check_option(right, who, expected, found);
  };
  const auto [learning_rate, beta1, beta2, epsilon, weight_decay] = options;
  check(learning_rate >= 0, "learning_rate >= 0", learning_rate);
  check(beta1 >= 0 && beta1 < 1, "beta1 in [0, 1)", beta1);
  check(beta2 >= 0 && beta2 < 1, "beta2 in [0, 1)", beta2);
  check(epsilon >= 0, "epsilon >= 0", epsilon);
  check(weight_decay >= 0, "weight_decay >= 0", weight_decay);
}

}  // namespace detail

/// Adam, as torch.optim.Adam: the size of a step does not depend on the scale of the gradient.
///   g = gradient + weight_decay * theta
///   m = beta1 * m + (1 - beta1) * g
///   v = beta2 * v + (1 - beta2) * g^2
///   theta -= learning_rate * m^ / (sqrt(v^) + epsilon),  m^ = m / (1 - beta1^t),  v^ = v / (1 - beta2^t)
/// g is clamped to the range in which its square is finite.
/// Errors: std::invalid_argument if learning_rate, epsilon or weight_decay is negative, or beta1 or beta2 is
/// not in [0, 1).
/// Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1.
struct Adam {
  static constexpr Index slots = 2;  // m, v

  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  void step(auto& theta, const auto& gradient, auto& slot_vectors, Index t) const {
    detail::adam_step(*this, weight_decay, 1, theta, gradient, slot_vectors, t);
  }

  void validate() const { detail::validate_adam(*this, "Adam"); }
};

}  // namespace mlp::inline MLP_ABI
