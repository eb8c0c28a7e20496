#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/tile.hpp>

namespace mlp::inline MLP_ABI {

/// Stochastic gradient descent, as torch.optim.SGD without dampening.
///   g = gradient + weight_decay * theta
///   v = momentum * v + g
///   theta -= learning_rate * v,  or with nesterov  learning_rate * (g + momentum * v)
/// Errors: std::invalid_argument if learning_rate or weight_decay is negative, momentum is not in [0, 1), or
/// nesterov is set without momentum.
/// Source: Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep
/// learning (2013), in the form of torch.optim.
struct Sgd {
  static constexpr Index slots = 1;  // v

  double learning_rate = 1e-3;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;

  template <class Theta>
  void step(Theta& parameters, const auto& gradients, auto& slot_vectors, Index) const {
    using S = typename Theta::Scalar;
    const S rate = static_cast<S>(learning_rate), mu = static_cast<S>(momentum),
            decay = static_cast<S>(weight_decay);
    // Expressions, not loops: g++ does not always vectorize a loop over three tiles.
    if (momentum == 0) {
      for_each_tile(
          [=](auto& theta, const auto& gradient) {
            theta = multiply_add(-rate, multiply_add(decay, theta, gradient), theta);
          },
          parameters, gradients);
    } else {
      for_each_tile(
          [=, this](auto& theta, const auto& gradient, auto& v) {
            const Tile<S> g = multiply_add(decay, theta, gradient);
            v = multiply_add(mu, v, g);
            if (nesterov) theta = multiply_add(-rate, multiply_add(mu, v, g), theta);
            else theta = multiply_add(-rate, v, theta);
          },
          parameters, gradients, column(slot_vectors, 0));
    }
  }

  void validate() const {
    const auto check = [](bool right, const char* expected, double found) {
      detail::check_option(right, "Sgd", expected, found);
    };
    check(learning_rate >= 0, "learning_rate >= 0", learning_rate);
    check(momentum >= 0 && momentum < 1, "momentum in [0, 1)", momentum);
    check(weight_decay >= 0, "weight_decay >= 0", weight_decay);
    check(!nesterov || momentum > 0, "momentum > 0 with nesterov", momentum);
  }
};

}  // namespace mlp::inline MLP_ABI
