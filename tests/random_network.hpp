#pragma once

#include <mlp/base/random.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

/// Random networks, for properties that must hold for every network.

inline mlp::Index draw(mlp::Rng& rng, mlp::Index count) {
  return static_cast<mlp::Index>(rng.uniform() * static_cast<double>(count));
}

template <std::size_t N>
std::string draw(mlp::Rng& rng, const char* const (&texts)[N]) {
  return texts[draw(rng, static_cast<mlp::Index>(N))];
}

/// Random layers with these numbers of inputs and outputs, as text of architecture.hpp: of all kinds, with
/// sizes 1 to 5, some nested.
inline std::string random_layers(mlp::Rng& rng, mlp::Index inputs, mlp::Index outputs, int levels) {
  constexpr const char* activations[] = {"Identity",
                                         "ReLU",
                                         "LeakyReLU",
                                         "LeakyReLU(negative_slope=0.25)",
                                         "ELU",
                                         "ELU(alpha=0.5)",
                                         "SELU",
                                         "GELU",
                                         "GELU(approximate=1)",
                                         "SiLU",
                                         "Mish",
                                         "Softplus",
                                         "Softplus(beta=2)",
                                         "Softsign",
                                         "Sigmoid",
                                         "Tanh",
                                         "HardTanh",
                                         "HardTanh(min_value=-inf, max_value=0.5)"};
  std::string text;
  for (mlp::Index i = 0, count = 1 + draw(rng, 4); i < count; ++i) {
    const std::string n = std::to_string(inputs);
    if (i > 0) text += ", ";
    switch (i + 1 == count && inputs != outputs ? 0 : draw(rng, levels > 0 ? 8 : 7)) {
      default: {
        const mlp::Index next = i + 1 == count ? outputs : 1 + draw(rng, 5);
        const std::string f = draw(rng, activations);
        text += "Dense(" + n + ", " + std::to_string(next) + (f == "Identity" ? "" : ", " + f) + ")";
        inputs = next;
        break;
      }
      case 3:
        text += "Activate(" + n + ", " + draw(rng, activations) + ")";
        break;
      case 4:
        text += "Dropout(" + n + ", p=0.25)";
        break;
      case 5:
        text += "LayerNorm(" + n + ", epsilon=0.001)";
        break;
      case 6:
        text += "BatchNorm(" + n + ", epsilon=1e-05, momentum=0.25)";
        break;
      case 7:
        text += "Residual(" + random_layers(rng, inputs, inputs, levels - 1) + ")";
    }
  }
  return text;
}

inline std::string random_architecture(mlp::Rng& rng) {
  constexpr const char* losses[] = {"MeanSquaredError",
                                    "MeanAbsoluteError",
                                    "Huber(delta=0.5)",
                                    "BinaryCrossEntropy",
                                    "BinaryCrossEntropy(positive_weights=2)",
                                    "SoftmaxCrossEntropy",
                                    "SoftmaxCrossEntropy(label_smoothing=0.1)",
                                    "Hinge",
                                    "PoissonNLL",
                                    "PoissonNLL(log_input=0, full=1)",
                                    "GaussianNLL(epsilon=0.001)"};
  const std::string loss = draw(rng, losses);
  const mlp::Index outputs = loss.starts_with("Gaussian")         ? 2 * (1 + draw(rng, 2))
                             : loss.find("weights=") != loss.npos ? 1
                                                                  : 1 + draw(rng, 5);
  return "Mlp(" + loss + ", " + random_layers(rng, 1 + draw(rng, 5), outputs, 3) + ")";
}

/// A number of magnitude 1 or, if is_extreme, at times one near the limits of S.
template <class S>
S random_number(mlp::Rng& rng, bool is_extreme) {
  using Limits = std::numeric_limits<S>;
  const S ends[] = {0,
                    -S(0),
                    Limits::denorm_min(),
                    -Limits::denorm_min(),
                    Limits::min(),
                    Limits::epsilon(),
                    Limits::max(),
                    Limits::lowest(),
                    S(1e18),
                    S(-1e18)};
  if (is_extreme && draw(rng, 4) == 0) return ends[draw(rng, 10)];
  return static_cast<S>(rng.normal());
}

/// Whether two vectors are equal bit by bit.
bool same_bits(const auto& a, const auto& b) {
  if (a.size() != b.size()) return false;
  for (mlp::Index i = 0; i < a.size(); ++i) {
    if (a(i) != b(i) || std::signbit(a(i)) != std::signbit(b(i))) return false;
  }
  return true;
}
