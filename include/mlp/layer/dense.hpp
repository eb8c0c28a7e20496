#pragma once

#include <mlp/activation/identity.hpp>
#include <mlp/base/buffer.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/checks.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/initializer/default.hpp>
#include <mlp/kernel/product.hpp>
#include <mlp/layer/activation_passes.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace mlp::inline MLP_ABI {

namespace detail {

// Returns the number of inputs if both sizes are positive.
constexpr Index checked_dense_inputs(Index inputs, Index outputs) {
  if (inputs <= 0 || outputs <= 0) {
    raise<std::invalid_argument>(
        {"Dense: expected positive sizes, found ", inputs, " inputs, ", outputs, " outputs"});
  }
  return checked_count(inputs, "Dense");
}

}  // namespace detail

/// A fully connected layer: z = W x + b, y = f(z), element-wise.
///   backward: delta = dy * f'(z),  dW = delta x^T,  db = sum_j delta_j,  dx = W^T delta
/// Shapes: x In x B; y Out x B; theta is W (Out x In, column-major), then b (Out).
/// A size is a template argument, or Dynamic and then an argument of the constructor.
/// Initialization: b = 0; Init draws W.
template <int In, int Out, class F = Identity, class Init = DefaultInitializer>
class Dense
    : public Sizes<In, Out, In == Dynamic || Out == Dynamic ? Dynamic : Index{Out} * (Index{In} + 1)> {
  using ActivationType = std::conditional_t<Activation<F>, F, Identity>;

 public:
  static constexpr const char* name = "Dense";
  using Dense::Sizes::inputs;
  using Dense::Sizes::outputs;
  static constexpr bool sizes_are_static = In != Dynamic && Out != Dynamic;

  /// What backward needs from forward: z, if the activation's derivative does.
  template <class S, int Batch = Dynamic>
  struct Cache {
    struct Nothing {};
    [[no_unique_address]] std::conditional_t<ActivationType::needs_input, Buffer<S, Out, Batch>, Nothing> z;
  };

  constexpr Dense() requires sizes_are_static : Dense(In, Out) {}

  constexpr explicit Dense(ActivationType activation) requires sizes_are_static : Dense(In, Out, activation) {
  }

  /// Errors: std::invalid_argument if a size is not positive or not the one in the type, memory could not hold
  /// so many weights, or an option of the activation is out of range.
  constexpr Dense(Index in, Index out, ActivationType activation = {})
      : Dense::Sizes{detail::checked_dense_inputs(in, out), detail::checked_count(out, "Dense"),
                     detail::checked_product(out, in + 1, "Dense")},  // braces: checked in this order
        activation_(activation) {
    check::is_an_activation<F>();
    check::sizes_are_positive<In, Out>();
    detail::validate(activation);
  }

  const ActivationType& activation() const { return activation_; }

  void describe(auto& text) const {
    text.add_size(inputs());
    text.add_size(outputs());
    detail::visit(activation_, [&]<class Function>(const Function& f) {
      if constexpr (!std::is_same_v<Function, Identity>) text.add_part(f);
    });
  }
  static Dense read(const auto& text) {
    return Dense(text.size(0), text.size(1),
                 text.parts.empty() ? ActivationType(Identity{}) : ActivationType::read(text.parts.front()));
  }

  /// W and b, as views into theta or its gradient.
  auto weights(auto&& theta) const { return matrix_view<Out, In>(theta.data(), outputs(), inputs()); }
  auto bias(auto&& theta) const {
    return matrix_view<Out, 1>(theta.data() + outputs() * inputs(), outputs(), 1);
  }

  void initialize(auto& theta, Rng& rng) const {
    if constexpr (std::is_same_v<Init, DefaultInitializer>) {
      detail::visit(activation_, [&]<class Function>(const Function&) {
        typename detail::initializer_of<Function>::type{}(weights(theta), rng);
      });
    } else {
      Init{}(weights(theta), rng);
    }
    std::fill_n(bias(theta).data(), outputs(), 0);
  }

  void mark_weights(auto& mask) const {
    weights(mask).setOnes();
    bias(mask).setZero();
  }

  // One sample needs no allocation, hence nothing can throw.
  template <class Y>
  void infer(const auto& theta, const auto& x, Y& y) const noexcept(Y::ColsAtCompileTime == 1) {
    set_affine(weights(theta), x, bias(theta), y);                            // z = W x + b
    detail::visit(activation_, [&](const auto& f) { detail::apply(f, y); });  // y = f(z)
  }

  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng&) const {
    set_affine(weights(theta), x, bias(theta), y);  // z = W x + b
    detail::visit(activation_, [&](const auto& f) {
      detail::keep_input(f, y, cache);
      detail::apply(f, y);  // y = f(z)
    });
  }

  void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta,
                auto& dx) const {
    const auto& delta = backward_to_delta(x, y, cache, dy, dtheta);
    set_product(weights(theta).transpose(), delta, dx);  // dx = W^T delta
  }
  void backward(const auto&, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta) const {
    backward_to_delta(x, y, cache, dy, dtheta);
  }

 private:
  // Returns delta, which takes the place of dy.
  auto& backward_to_delta(const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta) const {
    auto& delta = dy;
    detail::visit(activation_, [&](const auto& f) {
      detail::multiply_by_derivative(f, y, cache, delta);  // delta = dy * f'(z)
    });
    set_product(delta, x.transpose(), weights(dtheta));  // dW = delta x^T
    auto db = bias(dtheta);
    std::fill_n(db.data(), db.size(), 0);
    for (Index j = 0; j < delta.cols(); ++j) db += column(delta, j);  // db = sum_j delta_j
    return delta;
  }

  [[no_unique_address]] ActivationType activation_;
};

}  // namespace mlp::inline MLP_ABI
