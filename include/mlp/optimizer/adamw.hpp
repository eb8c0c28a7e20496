#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/optimizer/adam.hpp>

namespace mlp::inline MLP_ABI {

/// Adam with decoupled weight decay, as torch.optim.AdamW: Adam's step with g = gradient, preceded by
///   theta -= learning_rate * weight_decay * theta
/// Errors: as for Adam.
/// Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2, in the form of
/// torch.optim, where learning_rate takes the place of their schedule multiplier.
struct AdamW {
  static constexpr Index slots = 2;  // m, v

  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;

  void step(auto& theta, const auto& gradient, auto& slot_vectors, Index t) const {
    detail::adam_step(*this, 0, multiply_add(-learning_rate, weight_decay, 1.), theta, gradient, slot_vectors,
                      t);
  }

  void validate() const { detail::validate_adam(*this, "AdamW"); }
};

}  // namespace mlp::inline MLP_ABI
