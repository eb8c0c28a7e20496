#pragma once

namespace mlp {

/// a = z. The last layer's activation where the loss takes logits, or of a regression.
struct Identity {
  static constexpr const char* name = "Identity";
  static constexpr bool needs_input = false;

  void forward(auto&) const {}
  void backward(const auto&, auto&) const {}
};

}  // namespace mlp
