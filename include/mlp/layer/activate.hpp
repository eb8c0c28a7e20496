#pragma once

#include <mlp/concepts.hpp>
#include <mlp/tile.hpp>
#include <mlp/types.hpp>

namespace mlp {

/// An activation as a layer of its own: y = f(x), element-wise. For places that a Dense layer's own activation
/// does not reach, such as after a norm: Dense<784, 256>, BatchNorm<256>, Activate<256, ReLU>.
/// Shapes: x and y N x B; no parameters.
template <int N, class F>
class Activate : public Inputs<N>, public Outputs<N>, public ParameterCount<0> {
 public:
  template <class S>
  struct Cache {};  // backward is given x and y

  constexpr Activate() requires(N != Dynamic) : Activate(N) {}
  constexpr explicit Activate(F activation) requires(N != Dynamic) : Activate(N, activation) {}

  /// Errors: std::invalid_argument if size is not positive or not the one in the type, or an option of the
  /// activation is out of range.
  constexpr explicit Activate(Index size, F activation = {})
      : Inputs<N>(detail::checked_size(size, "Activate")), Outputs<N>(size), activation_(activation) {
    static_assert(Activation<F>,
                  "mlp: the second argument of Activate must be an activation: see the concept in "
                  "<mlp/concepts.hpp>");
    detail::validate(activation);
  }

  const F& activation() const { return activation_; }

  void initialize(auto&, Rng&) const {}

  template <class Y>
  void infer(const auto&, const auto& x, Y& y) const noexcept(Y::ColsAtCompileTime == 1) {
    y = x;
    for_each_tile([&](auto& z) { activation_.forward(z); }, y);
  }

  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }

  void backward(const auto&, const auto& x, const auto& y, auto&, auto& dy, auto&, auto& dx) const {
    dx = dy;
    if constexpr (F::needs_input) {
      for_each_tile([&](const auto& z, const auto& a, auto& delta) { activation_.backward(z, a, delta); }, x,
                    y, dx);
    } else {
      for_each_tile([&](const auto& a, auto& delta) { activation_.backward(a, delta); }, y, dx);
    }
  }

 private:
  [[no_unique_address]] F activation_;
};

}  // namespace mlp
