#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

/// The static checks of the library, each of which gives exactly one error. Users need not read this.
namespace mlp::inline MLP_ABI {

/// What the compiler names when types or sizes do not fit. The template arguments hold the numbers: a message of
/// static_assert cannot.
namespace check {

template <int LayerIndex, class L, class S>
constexpr void is_a_layer() {
  static_assert(Layer<L, S>,
                "mlp: this argument of Mlp must be a layer: see the concept in <mlp/core/concepts.hpp>");
}

template <int LayerIndex, int PreviousOutputs, int Inputs>
constexpr void layer_accepts_previous_output() {
  static_assert(PreviousOutputs == Inputs || PreviousOutputs == Dynamic || Inputs == Dynamic,
                "mlp: a layer has another number of inputs than the layer before it has outputs");
}

template <int Outputs, int Inputs>
constexpr void residual_outputs_equal_its_inputs() {
  static_assert(Outputs == Inputs || Outputs == Dynamic || Inputs == Dynamic,
                "mlp: the last layer of a Residual must have as many outputs as the first has inputs");
}

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

template <class L, class S>
constexpr void is_a_loss() {
  static_assert(Loss<L, S>,
                "mlp: the first argument of Mlp must be a loss: see the concept in <mlp/core/concepts.hpp>");
}

template <class O, class S>
constexpr void is_an_optimizer() {
  static_assert(
      Optimizer<O, S>,
      "mlp: the second argument of Trainer must be an optimizer: see the concept in <mlp/core/concepts.hpp>");
}

template <class Found, class Expected>
constexpr void scalar_is_the_networks() {
  static_assert(std::is_same_v<Found, Expected>,
                "mlp: data and network differ in scalar type (Mlp is float: use x.cast<float>(), or "
                "BasicMlp<double, ...>)");
}

template <int RowsFound, int RowsExpected>
constexpr void rows_are_the_networks() {
  static_assert(
      RowsFound == RowsExpected || RowsFound == Dynamic || RowsExpected == Dynamic,
      "mlp: x or t has another number of rows than the network has inputs or outputs (columns are samples)");
}

template <class Found, class L>
constexpr void targets_are_the_losses() {
  static_assert(!std::is_integral_v<Found> || detail::is_labels<typename L::template Target<double>>,
                "mlp: the targets are labels, but this loss takes a matrix with a row for each output");
}

// A row-major matrix of one row has the order of a column-major one.
template <class M, class S>
constexpr void gradient_is_writable() {
  static_assert(std::is_same_v<typename M::Scalar, S> && M::InnerStrideAtCompileTime == 1 &&
                    (!M::IsRowMajor || M::RowsAtCompileTime == 1),
                "mlp: a gradient is written to contiguous coefficients of the network's scalar type, in "
                "column-major order");
}

}  // namespace check

namespace detail {

// Replaces an invalid layer or loss after its static_assert has failed: it suppresses follow-on errors.
struct Placeholder {
  template <class>
  using Target = Labels;
  template <class>
  struct Cache {};
  Placeholder() = default;
  explicit Placeholder(const auto&) {}
  Index inputs() const { return 0; }
  Index outputs() const { return 0; }
  Index parameter_count() const { return 0; }
  void initialize(auto&&...) const {}
  void infer(auto&&...) const {}
  void forward(auto&&...) const {}
  void backward(auto&&...) const {}
  auto weights(auto& theta) const { return theta; }
  auto bias(auto& theta) const { return theta; }
  void to_prediction(auto&) const {}
  void gradient(auto&&...) const {}
  template <class Y>
  typename Y::Scalar value(const Y&, const auto&) const {
    return 0;
  }
};

template <class S, class... Layers>
using layer_tuple = std::tuple<std::conditional_t<Layer<Layers, S>, Layers, Placeholder>...>;

template <class S, class... Layers, std::size_t... I>
void check_layer_types(std::index_sequence<I...>) {
  (check::is_a_layer<static_cast<int>(I), Layers, S>(), ...);
}

inline void check_layer_inputs(std::size_t layer, Index expected, Index found) {
  if (found != expected) {
    throw_unequal(message({"mlp: layer ", layer}), expected, " inputs, as the layer before it has outputs",
                  found);
  }
}

// Static sizes at compile time, Dynamic ones at run time.
template <class Tuple, std::size_t... I>
void check_layer_sizes(const Tuple& layers, std::index_sequence<I...>) {
  (check::layer_accepts_previous_output<static_cast<int>(I + 1),
                                        static_sizes<std::tuple_element_t<I, Tuple>>.outputs,
                                        static_sizes<std::tuple_element_t<I + 1, Tuple>>.inputs>(),
   ...);
  (check_layer_inputs(I + 1, std::get<I>(layers).outputs(), std::get<I + 1>(layers).inputs()), ...);
}

// Whether data of type X pass the static checks for a matrix of Rows rows. Code that would not compile for data that
// fail them is skipped, so that no second error follows.
template <class X, class S, int Rows>
inline constexpr bool rows_fit = std::is_same_v<typename X::Scalar, S> &&
                                 (X::RowsAtCompileTime == Rows || X::RowsAtCompileTime == Dynamic ||
                                  Rows == Dynamic);
template <class T, class S, class L>
inline constexpr bool targets_fit =
    is_labels<T> ? is_labels<typename L::template Target<S>> : std::is_same_v<typename T::Scalar, S>;

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
