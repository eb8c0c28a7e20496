#pragma once

#include <mlp/base/random.hpp>

namespace mlp::inline MLP_ABI {

/// W = 0, for a last layer only: hidden units that start equal stay equal.
/// Shapes: W outputs x inputs.
struct Zeros {
  template <class W>
  void operator()(W&& weights, Rng&) const {
    weights.setZero();
  }
};

}  // namespace mlp::inline MLP_ABI
