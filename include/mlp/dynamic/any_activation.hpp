#pragma once

#include <mlp/activation/elu.hpp>
#include <mlp/activation/gelu.hpp>
#include <mlp/activation/hard_tanh.hpp>
#include <mlp/activation/identity.hpp>
#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/mish.hpp>
#include <mlp/activation/relu.hpp>
#include <mlp/activation/selu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/silu.hpp>
#include <mlp/activation/softplus.hpp>
#include <mlp/activation/softsign.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/dynamic/alternatives.hpp>

#include <variant>

namespace mlp::inline MLP_ABI {

/// One of the library's activations, chosen at run time.
class AnyActivation {
 public:
  using Alternatives = std::variant<Identity, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Softplus,
                                    Softsign, Sigmoid, Tanh, HardTanh>;
  static constexpr bool needs_input = true;  // some activations do

  AnyActivation() = default;  // Identity
  template <class F>
  requires detail::is_alternative<F, Alternatives> AnyActivation(F f) : function_(f) {}

  /// Calls f with the activation itself.
  void visit(auto&& f) const { std::visit(f, function_); }

  // For a single tile. Layers call visit once for all tiles of a batch.
  void forward(auto& z) const {
    visit([&](const auto& f) { f.forward(z); });
  }
  void backward(const auto& z, const auto& a, auto& delta) const {
    visit([&]<class F>(const F& f) {
      if constexpr (F::needs_input) f.backward(z, a, delta);
      else f.backward(a, delta);
    });
  }

  void validate() const {
    visit([](const auto& f) { detail::validate(f); });
  }

  /// Errors: std::invalid_argument if the text names no activation.
  static AnyActivation read(const auto& text) {
    AnyActivation result;
    result.function_ = detail::read_alternative<Alternatives>(text, "an activation");
    return result;
  }

 private:
  Alternatives function_;
};

}  // namespace mlp::inline MLP_ABI
