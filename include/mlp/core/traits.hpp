#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

/// The optional members of layers and losses, with their defaults. Users need not read this.
namespace mlp::inline MLP_ABI::detail {

template <class L, class S>
concept InfersWithoutThrowing = requires(const L& layer, VectorArgument<S>& v) {
  { layer.infer(v, v, v) }
  noexcept;
}
|| requires(const L& layer, VectorArgument<S>& v) {
  { layer.infer(v, v, v, v) }
  noexcept;
};

template <class L, class S>
concept PredictsWithoutThrowing = requires(const L& loss, VectorArgument<S>& y) {
  { loss.to_prediction(y) }
  noexcept;
};

// A constant of a loss, or a member function of a loss that is chosen at run time.
template <class L>
constexpr double threshold(const L& loss) {
  if constexpr (requires { loss.threshold(); }) return loss.threshold();
  else if constexpr (requires { L::threshold; }) return L::threshold;
  else return 0.5;
}

template <class L>
constexpr Index outputs_per_target(const L& loss) {
  if constexpr (requires { loss.outputs_per_target(); }) return loss.outputs_per_target();
  else if constexpr (requires { L::outputs_per_target; }) return L::outputs_per_target;
  else return 1;
}

// The number of rows of a matrix of targets.
template <class L>
consteval int static_targets(int outputs) {
  // A number: MinGW also takes the name of a member function, which AnyLoss has, for a value.
  if constexpr (requires { int{L::outputs_per_target}; })
    return outputs == Dynamic ? Dynamic : outputs / int{L::outputs_per_target};
  else return outputs;
}

template <class L>
void validate_loss(const L& loss, Index outputs) {
  validate(loss);
  if constexpr (requires { loss.validate(outputs); }) loss.validate(outputs);
  if (const Index each = outputs_per_target(loss); outputs % each != 0) {
    throw_unequal("mlp", each, " outputs for each target, or a multiple", outputs);
  }
}

}  // namespace mlp::inline MLP_ABI::detail
