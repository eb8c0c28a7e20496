#pragma once

#include <mlp/activation/identity.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/kernel/tile.hpp>

#include <type_traits>

namespace mlp::inline MLP_ABI {

/// An activation as a layer of its own: y = f(x), element-wise. Needed where a Dense layer's own activation
/// cannot be, such as after a norm: Dense<784, 256>, BatchNorm<256>, Activate<256, ReLU>.
/// Shapes: x and y N x B; no parameters.
template <int N, class F>
class Activate : public Sizes<N, N> {
  using ActivationType = std::conditional_t<Activation<F>, F, Identity>;

 public:
  static constexpr const char* name = "Activate";
  using Activate::Sizes::inputs;

  template <class S>
  struct Cache {};  // backward is given x and y

  constexpr Activate() requires(N != Dynamic) : Activate(N) {}
  constexpr explicit Activate(ActivationType activation) requires(N != Dynamic) : Activate(N, activation) {}

  /// Errors: std::invalid_argument if size is not positive or not the one in the type, or an option of the
  /// activation is out of range.
  constexpr explicit Activate(Index size, ActivationType activation = {})
      : Activate::Sizes(detail::checked_size<N>(size, "Activate"), size), activation_(activation) {
    static_assert(Activation<F>,
                  "mlp: the second argument of Activate must be an activation: see the concept in "
                  "<mlp/core/concepts.hpp>");
    detail::validate(activation);
  }

  const ActivationType& activation() const { return activation_; }

  void describe(auto& text) const {
    text.add_size(inputs());
    text.add_part(activation_);
  }
  static Activate read(const auto& text) {
    return Activate(text.size(0), ActivationType::read(text.part(0)));
  }

  void initialize(auto&, Rng&) const {}

  template <class Y>
  void infer(const auto&, const auto& x, Y& y) const noexcept(Y::ColsAtCompileTime == 1) {
    detail::visit(activation_, [&](const auto& f) {
      for_each_tile(
          [&](const auto& z, auto& a) {
            a = z;
            f.forward(a);
          },
          x, y);
    });
  }

  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }

  void backward(const auto&, const auto& x, const auto& y, auto&, const auto& dy, auto&, auto& dx) const {
    detail::visit(activation_, [&]<class Function>(const Function& f) {
      if constexpr (Function::needs_input) {
        for_each_tile(
            [&](const auto& z, const auto& a, const auto& d, auto& delta) {
              delta = d;
              f.backward(z, a, delta);
            },
            x, y, dy, dx);
      } else {
        for_each_tile(
            [&](const auto& a, const auto& d, auto& delta) {
              delta = d;
              f.backward(a, delta);
            },
            y, dy, dx);
      }
    });
  }
  void backward(const auto&, const auto&, const auto&, auto&, const auto&, auto&) const {}

 private:
  [[no_unique_address]] ActivationType activation_;
};

}  // namespace mlp::inline MLP_ABI
