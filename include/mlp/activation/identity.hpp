#pragma once

#include <mlp/base/abi.hpp>

namespace mlp::inline MLP_ABI {

/// a = z: for the last layer of a regression, or where the loss takes logits.
struct Identity {
  static constexpr const char* name = "Identity";
  static constexpr bool needs_input = false;

  void forward(auto&) const {}
  void backward(const auto&, auto&) const {}
};

}  // namespace mlp::inline MLP_ABI
