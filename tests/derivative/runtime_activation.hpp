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
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/dense.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <variant>

#include "golden/compare.hpp"
#include "golden/derivatives.hpp"

/// Networks whose sizes and activations are chosen at run time: one type is compiled for all activations.
namespace derivative_test {

using namespace mlp;

constexpr double eps = std::numeric_limits<double>::epsilon();

inline Matrix<double> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Matrix<double> m(rows, cols);
  Rng rng{seed};
  fill(m, [&] { return rng.uniform(-1, 1); });
  return m;
}

// An activation as a user might write it, by the rules of dual.hpp.
struct Sine {
  static constexpr bool needs_input = true;
  void forward(auto& z) const {
    using std::sin;
    for (Index i = 0; i < z.size(); ++i) z(i) = sin(z(i));
  }
  void backward(const auto& z, const auto&, auto& delta) const {
    using std::cos;
    for (Index i = 0; i < z.size(); ++i) delta(i) *= cos(z(i));
  }
};

struct RuntimeActivation {
  static constexpr bool needs_input = true;
  std::variant<Tanh, Sigmoid, Softplus, GELU, SiLU, Mish, ELU, SELU, ReLU, LeakyReLU, Softsign, HardTanh,
               Sine, Identity>
      chosen = Tanh{};

  void forward(auto& z) const {
    std::visit([&](const auto& f) { f.forward(z); }, chosen);
  }
  void backward(const auto& z, const auto& a, auto& delta) const {
    std::visit(
        [&]<class F>(const F& f) {
          if constexpr (F::needs_input) f.backward(z, a, delta);
          else f.backward(a, delta);
        },
        chosen);
  }
};

using Hidden = Dense<Dynamic, Dynamic, RuntimeActivation>;
using Last = Dense<Dynamic, Dynamic>;

template <class Loss>
using RuntimeNet = BasicMlp<double, Loss, Hidden, Hidden, Last>;

// The network of golden/make_derivatives.py.
template <class Loss>
auto golden_network(const RuntimeActivation& f, const Loss& loss) {
  RuntimeNet<Loss> net(loss, Hidden(4, 6, f), Hidden(6, 5, f), Last(5, 3));
  net.parameters() = golden::matrix<double>(std::span<const double>(golden::derivatives::parameters), 83, 1);
  return net;
}

// The activations of golden/make_derivatives.py, and its numbers for each.
inline const struct {
  RuntimeActivation f;
  const golden::derivatives::Derivatives& expected;
} golden_cases[] = {
    {{Tanh{}}, golden::derivatives::tanh},         {{Sigmoid{}}, golden::derivatives::sigmoid},
    {{Softplus{}}, golden::derivatives::softplus}, {{GELU{}}, golden::derivatives::gelu},
    {{SiLU{}}, golden::derivatives::silu},         {{Mish{}}, golden::derivatives::mish},
    {{ELU{}}, golden::derivatives::elu},           {{SELU{}}, golden::derivatives::selu},
    {{ReLU{}}, golden::derivatives::relu}};

// Each golden number is a sum over 7 samples and 3 layers of at most 7 terms each, of magnitudes of 1.
constexpr double golden_bound = 64 * eps;

}  // namespace derivative_test
