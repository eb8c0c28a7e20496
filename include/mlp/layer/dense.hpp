#pragma once

#include <mlp/activation/identity.hpp>
#include <mlp/concepts.hpp>
#include <mlp/initializer/glorot.hpp>
#include <mlp/product.hpp>
#include <mlp/tile.hpp>
#include <mlp/types.hpp>

#include <limits>
#include <stdexcept>
#include <string>

namespace mlp {

namespace detail {

template <class A>
struct initializer_of : std::type_identity<GlorotUniform> {};
template <class A>
requires requires { typename A::Initializer; }
struct initializer_of<A> : std::type_identity<typename A::Initializer> {};

}  // namespace detail

/// A fully connected layer: z = W x + b, y = f(z), element-wise.
///   backward: delta = dy * f'(z),  dW = delta x^T,  db = sum_j delta_j,  dx = W^T delta
/// Shapes: x In x B; y Out x B; theta is W (Out x In, column-major), then b (Out).
/// A size is a template argument or Dynamic, and then given to the constructor.
/// Initialization: b = 0, W as Init does: by default what the activation asks for, else GlorotUniform.
template <int In, int Out, class F = Identity, class Init = typename detail::initializer_of<F>::type>
class Dense {
  static_assert((In > 0 || In == Dynamic) && (Out > 0 || Out == Dynamic),
                "mlp: the sizes of a Dense layer are positive, or Dynamic");
  static_assert(
      Activation<F>,
      "mlp: the third argument of Dense must be an activation: see the concept in <mlp/concepts.hpp>");

 public:
  static constexpr bool is_static = In != Dynamic && Out != Dynamic;

  /// Must be kept from forward to backward: z, if the activation's derivative needs it.
  template <class S, int Batch = Dynamic>
  struct Cache {
    struct Nothing {};
    [[no_unique_address]] std::conditional_t<F::needs_input, Buffer<S, Out, Batch>, Nothing> z;
  };

  constexpr Dense() requires is_static = default;

  constexpr explicit Dense(F activation) requires is_static : Dense(In, Out, activation) {}

  /// Errors: std::invalid_argument if a size is not positive or not the one in the type, or their product
  /// overflows, or an option of the activation is out of range.
  constexpr Dense(Index inputs, Index outputs, F activation = {})
      : inputs_(inputs), outputs_(outputs), activation_(activation) {
    const auto sizes = [&] {
      return std::to_string(inputs) + " inputs, " + std::to_string(outputs) + " outputs";
    };
    if (inputs <= 0 || outputs <= 0)
      throw std::invalid_argument("Dense: expected positive sizes, found " + sizes());
    if (inputs >= std::numeric_limits<Index>::max() / Index{sizeof(double)} / outputs) {
      throw std::invalid_argument("Dense: expected as many weights as memory can hold, found " + sizes());
    }
    detail::validate(activation);
  }

  static constexpr Index inputs() requires(In != Dynamic) { return In; }
  constexpr Index inputs() const requires(In == Dynamic) { return inputs_.value(); }
  static constexpr Index outputs() requires(Out != Dynamic) { return Out; }
  constexpr Index outputs() const requires(Out == Dynamic) { return outputs_.value(); }
  static constexpr Index parameter_count() requires is_static { return Index{Out} * (Index{In} + 1); }
  constexpr Index parameter_count() const requires(!is_static) { return outputs() * (inputs() + 1); }

  const F& activation() const { return activation_; }

  /// W and b as views into theta (or, of the same layout, its gradient).
  auto weights(auto&& theta) const { return matrix_view<Out, In>(theta.data(), outputs(), inputs()); }
  auto bias(auto&& theta) const {
    return matrix_view<Out, 1>(theta.data() + outputs() * inputs(), outputs(), 1);
  }

  void initialize(auto& theta, Rng& rng) const {
    Init{}(weights(theta), rng);
    bias(theta).setZero();
  }

  void infer(const auto& theta, const auto& x, auto& y) const {
    affine(theta, x, y);
    activate(y);
  }

  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng&) const {
    affine(theta, x, y);
    if constexpr (F::needs_input) {
      cache.z.resize(y.rows(), y.cols());
      cache.z.view() = y;
    }
    activate(y);
  }

  void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta,
                auto& dx) const {
    backward(theta, x, y, cache, dy, dtheta);
    dx.setZero();
    add_product(weights(theta).transpose(), dy, dx);
  }

  void backward(const auto&, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta) const {
    if constexpr (F::needs_input) {
      for_each_tile([&](const auto& z, const auto& a, auto& delta) { activation_.backward(z, a, delta); },
                    std::as_const(cache.z).view(), y, dy);
    } else if constexpr (!std::is_same_v<F, Identity>) {
      for_each_tile([&](const auto& a, auto& delta) { activation_.backward(a, delta); }, y, dy);
    }
    auto dW = weights(dtheta);
    dW.setZero();
    add_product(dy, x.transpose(), dW);
    auto db = bias(dtheta);
    db.setZero();
    for (Index j = 0; j < dy.cols(); ++j) db += dy.col(j);
  }

 private:
  void affine(const auto& theta, const auto& x, auto& y) const {
    const auto b = bias(theta);
    for (Index j = 0; j < y.cols(); ++j) y.col(j) = b;
    add_product(weights(theta), x, y);
  }

  void activate(auto& y) const {
    if constexpr (!std::is_same_v<F, Identity>) {
      for_each_tile([&](auto& z) { activation_.forward(z); }, y);
    }
  }

  [[no_unique_address]] Extent<In> inputs_;
  [[no_unique_address]] Extent<Out> outputs_;
  [[no_unique_address]] F activation_;
};

}  // namespace mlp
