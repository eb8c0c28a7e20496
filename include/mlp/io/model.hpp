#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/data/scalers.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>

#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

/// What a model file holds besides the network, in every format.
namespace mlp::inline MLP_ABI {

/// The transformation of samples ahead of the network: none, or one of the scalers.
template <class S = float>
using Scaler = std::variant<std::monostate, StandardScaler<S>, MinMaxScaler<S>>;

template <class S = float>
struct ModelInfo {
  std::vector<std::string> features = {};  // names of the inputs, or none
  std::vector<std::string> classes = {};   // names of the classes 0, 1, ..., or none
  Scaler<S> scaler = {};
  /// A few samples, before scaling: a file stores the predictions for them, and loading compares. Shape:
  /// inputs x N, or empty.
  Matrix<S> probes = {};

  /// Scales the samples x for the network.
  /// Shapes: inputs x B.
  template <class X>
  Matrix<S> prepare(const Eigen::DenseBase<X>& x) const {
    return std::visit(
        [&]<class T>(const T& chosen) -> Matrix<S> {
          if constexpr (std::is_same_v<T, std::monostate>) return x.derived();
          else return chosen.transform(x);
        },
        scaler);
  }

  /// Errors: std::invalid_argument unless all members fit a network of these inputs and outputs.
  void validate(Index inputs, Index outputs) const {
    const auto check = [](bool right, const char* what, Index expected, Index found) {
      if (!right) detail::throw_unequal("ModelInfo", expected, what, found);
    };
    const auto n = static_cast<Index>(features.size()), k = static_cast<Index>(classes.size());
    check(n == 0 || n == inputs, " names of features, one for each input, or none", inputs, n);
    const Index expected = outputs == 1 ? 2 : outputs;
    check(k == 0 || k == expected, " names of classes, or none", expected, k);
    check(probes.size() == 0 || probes.rows() == inputs, " rows in probes, one for each input", inputs,
          probes.rows());
    if (!probes.allFinite()) {
      detail::raise<std::invalid_argument>(
          "ModelInfo: expected probes of finite numbers, found nan or infinity");
    }
    std::visit(
        [&]<class T>(const T& chosen) {
          if constexpr (!std::is_same_v<T, std::monostate>) {
            const auto& low = low_of(chosen);
            check(low.size() == inputs, " features of the scaler, one for each input", inputs, low.size());
            check(chosen.scale.size() == inputs, " scales of the scaler, one for each input", inputs,
                  chosen.scale.size());
            bool is_right = low.allFinite() && chosen.scale.allFinite() && (chosen.scale.array() > 0).all();
            if constexpr (std::is_same_v<T, MinMaxScaler<S>>) is_right &= std::isfinite(chosen.low);
            if (!is_right) {
              detail::raise<std::invalid_argument>(
                  "ModelInfo: expected a scaler of finite numbers and scales > 0, found another");
            }
          }
        },
        scaler);
  }

 private:
  static const Vector<S>& low_of(const StandardScaler<S>& chosen) { return chosen.mean; }
  static const Vector<S>& low_of(const MinMaxScaler<S>& chosen) { return chosen.min; }
};

/// A network read from a file, with the information needed to apply it to samples before scaling.
template <class S = float>
struct Model {
  BasicDynamicMlp<S> net;
  ModelInfo<S> info = {};

  /// Shapes: x inputs x B gives outputs x B.
  template <class X>
  Matrix<S> predict(const Eigen::DenseBase<X>& x) const {
    return net.predict(info.prepare(x));
  }
  template <class X>
  Labels classify(const Eigen::DenseBase<X>& x) const {
    return net.classify(info.prepare(x));
  }
};

}  // namespace mlp::inline MLP_ABI
