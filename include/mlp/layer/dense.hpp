#pragma once

#include <mlp/activation/identity.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/initializer/glorot.hpp>
#include <mlp/kernel/product.hpp>
#include <mlp/kernel/tile.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace mlp {

namespace check {

template <class F>
constexpr void is_an_activation() {
  static_assert(
      Activation<F>,
      "mlp: the third argument of Dense must be an activation: see the concept in <mlp/core/concepts.hpp>");
}

template <int Inputs, int Outputs>
constexpr void sizes_are_positive() {
  static_assert((Inputs > 0 || Inputs == Dynamic) && (Outputs > 0 || Outputs == Dynamic),
                "mlp: the sizes of a Dense layer must be positive, or Dynamic");
}

}  // namespace check

/// Draws weights as the activation asks for by its member type Initializer, else as GlorotUniform does.
struct DefaultInitializer {};

namespace detail {

template <class F>
struct initializer_of : std::type_identity<GlorotUniform> {};
template <class F>
requires requires { typename F::Initializer; }
struct initializer_of<F> : std::type_identity<typename F::Initializer> {};

constexpr Index dense_parameter_count(Index inputs, Index outputs) {
  return inputs == Dynamic || outputs == Dynamic ? Dynamic : outputs * (inputs + 1);
}

// Returns the number of inputs if both sizes are positive.
constexpr Index checked_dense_inputs(Index inputs, Index outputs) {
  if (inputs <= 0 || outputs <= 0) {
    raise<std::invalid_argument>("Dense: expected positive sizes, found " + std::to_string(inputs) +
                                 " inputs, " + std::to_string(outputs) + " outputs");
  }
  return checked_count(inputs, "Dense");
}

}  // namespace detail

/// A fully connected layer: z = W x + b, y = f(z), element-wise.
///   backward: delta = dy * f'(z),  dW = delta x^T,  db = sum_j delta_j,  dx = W^T delta
/// Shapes: x In x B; y Out x B; theta is W (Out x In, column-major), then b (Out).
/// A size is a template argument or Dynamic, and then given to the constructor.
/// Initialization: b = 0, W as Init does: by default what the activation asks for, else GlorotUniform.
template <int In, int Out, class F = Identity, class Init = DefaultInitializer>
class Dense : public Inputs<In>,
              public Outputs<Out>,
              public ParameterCount<detail::dense_parameter_count(In, Out)> {
  using ActivationType = std::conditional_t<Activation<F>, F, Identity>;

 public:
  static constexpr const char* name = "Dense";
  using Inputs<In>::inputs;
  using Outputs<Out>::outputs;
  static constexpr bool sizes_are_static = In != Dynamic && Out != Dynamic;

  /// Must be kept from forward to backward: z, if the activation's derivative needs it.
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
      : Inputs<In>(detail::checked_dense_inputs(in, out)),
        Outputs<Out>(detail::checked_count(out, "Dense")),
        ParameterCount<detail::dense_parameter_count(In, Out)>(detail::checked_product(out, in + 1, "Dense")),
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

  /// W and b as views into theta (or, of the same layout, its gradient).
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

  // Of one sample: no allocation, hence nothing that could throw.
  template <class Y>
  void infer(const auto& theta, const auto& x, Y& y) const noexcept(Y::ColsAtCompileTime == 1) {
    affine(theta, x, y);
    activate(y);
  }

  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng&) const {
    affine(theta, x, y);
    detail::visit(activation_, [&](const auto& f) { keep_input_of(f, y, cache); });
    activate(y);
  }

  void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta,
                auto& dx) const {
    backward(theta, x, y, cache, dy, dtheta);
    set_product(weights(theta).transpose(), dy, dx);
  }

  void backward(const auto&, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta) const {
    detail::visit(activation_, [&](const auto& f) { turn_into_delta(f, y, cache, dy); });
    set_product(dy, x.transpose(), weights(dtheta));
    auto db = bias(dtheta);
    std::fill_n(db.data(), db.size(), 0);
    for (Index j = 0; j < dy.cols(); ++j) db += column(dy, j);
  }

 private:
  void affine(const auto& theta, const auto& x, auto& y) const {
    set_affine(weights(theta), x, bias(theta), y);
  }

  void activate(auto& y) const {
    detail::visit(activation_, [&]<class Function>(const Function& f) {
      if constexpr (!std::is_same_v<Function, Identity>) {
        for_each_tile([&](auto& z) { f.forward(z); }, y);
      }
    });
  }

  template <class Function>
  static void keep_input_of(const Function&, const auto& z, auto& cache) {
    if constexpr (Function::needs_input) {
      cache.z.resize(z.rows(), z.cols());
      cache.z.view() = z;
    }
  }

  // delta = dy * f'(z)
  template <class Function>
  static void turn_into_delta(const Function& f, const auto& y, auto& cache, auto& dy) {
    if constexpr (Function::needs_input) {
      for_each_tile([&](const auto& z, const auto& a, auto& delta) { f.backward(z, a, delta); },
                    std::as_const(cache.z).view(), y, dy);
    } else if constexpr (!std::is_same_v<Function, Identity>) {
      for_each_tile([&](const auto& a, auto& delta) { f.backward(a, delta); }, y, dy);
    }
  }

  [[no_unique_address]] ActivationType activation_;
};

}  // namespace mlp
