#pragma once

#include <mlp/base/counts.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/checks.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI::detail {

/// Layers in a tuple, one after the other: the layers of a network and of a Residual block. It knows where each
/// layer's parameters and state lie in the vectors of the whole; chain_rule.hpp passes through it. S is the scalar type
/// for which the layers are checked.
template <class S, class... Layers>
class Chain
    : public Sizes<static_sizes<std::tuple_element_t<0, std::tuple<Layers...>>>.inputs,
                   static_sizes<std::tuple_element_t<sizeof...(Layers) - 1, std::tuple<Layers...>>>.outputs,
                   static_total({static_sizes<Layers>.parameters...}),
                   static_total({static_sizes<Layers>.state...})> {
  static constexpr std::size_t last_ = sizeof...(Layers) - 1;

 public:
  using LayerTuple = layer_tuple<S, Layers...>;
  static constexpr std::size_t depth = sizeof...(Layers);

  /// Errors: std::invalid_argument if a layer's inputs differ in number from the outputs of the layer before it.
  explicit Chain(LayerTuple layers)
      : Chain::Sizes(
            std::get<0>(layers).inputs(), std::get<last_>(layers).outputs(),
            std::apply([](const auto&... layer) { return checked_total({layer.parameter_count()...}); },
                       layers),
            std::apply([](const auto&... layer) { return checked_total({detail::state_count(layer)...}); },
                       layers)),
        layers_(std::move(layers)) {
    check_layer_types<S, Layers...>(std::index_sequence_for<Layers...>{});
    check_layer_sizes(layers_, std::make_index_sequence<last_>{});
  }

  const LayerTuple& layers() const { return layers_; }
  template <std::size_t I>
  const auto& layer() const {
    return std::get<I>(layers_);
  }

  /// Where the parameters and the state of layer I begin.
  template <std::size_t I>
  constexpr Index offset() const {
    if constexpr (I == 0) return 0;
    else return offset<I - 1>() + layer<I - 1>().parameter_count();
  }
  template <std::size_t I>
  constexpr Index state_offset() const {
    if constexpr (I == 0) return 0;
    else return state_offset<I - 1>() + detail::state_count(layer<I - 1>());
  }
  /// Layer I's part of a vector that has the layout of theta.
  template <std::size_t I>
  auto slice(auto&& theta) const {
    return segment_of(theta, offset<I>(), layer<I>().parameter_count());
  }

  /// Calls f(i, layer, offset, state_offset) for each layer, with i a std::integral_constant.
  template <std::size_t I = 0>
  EIGEN_ALWAYS_INLINE void for_each(auto&& f) const {
    f(std::integral_constant<std::size_t, I>{}, layer<I>(), offset<I>(), state_offset<I>());
    if constexpr (I != last_) for_each<I + 1>(f);
  }
  template <std::size_t I = last_>
  EIGEN_ALWAYS_INLINE void for_each_backwards(auto&& f) const {
    f(std::integral_constant<std::size_t, I>{}, layer<I>(), offset<I>(), state_offset<I>());
    if constexpr (I != 0) for_each_backwards<I - 1>(f);
  }

  /// Calls f(layer, offset, state_offset) for each layer; a Sequential is flattened into its layers.
  void for_each_layer(auto&& f) const {
    for_each([&](auto, const auto& layer, Index offset, Index state_offset) {
      if constexpr (requires { layer.for_each_layer(f, offset, state_offset); }) {
        layer.for_each_layer(f, offset, state_offset);
      } else {
        f(layer, offset, state_offset);
      }
    });
  }

 private:
  [[no_unique_address]] LayerTuple layers_;
};

/// The matrices of a forward pass through a Chain: x, and the buffers for what the layers compute.
template <class X, class Buffers>
class ChainPass {
 public:
  ChainPass(const X& x, Buffers& buffers) : x_(x), buffers_(buffers) {}

  template <std::size_t I>
  decltype(auto) x(std::integral_constant<std::size_t, I>) const {
    if constexpr (I == 0) return (x_);
    else return buffers_.template output<I - 1>();
  }
  template <std::size_t I>
  auto y(std::integral_constant<std::size_t, I>, const auto&) const {
    return buffers_.template output<I>();
  }
  template <std::size_t I>
  auto dy(std::integral_constant<std::size_t, I>) const {
    return buffers_.template gradient<I>();
  }
  template <std::size_t I>
  auto& cache(std::integral_constant<std::size_t, I>, const auto&) const {
    return buffers_.template cache<I>();
  }

 protected:
  const X& x_;
  Buffers& buffers_;
};

/// The same for a backward pass, with the dx of the first layer, or UnusedGradient.
template <class X, class Buffers, class DX>
class ChainBackwardPass : public ChainPass<X, Buffers> {
 public:
  ChainBackwardPass(const X& x, Buffers& buffers, DX& dx) : ChainPass<X, Buffers>(x, buffers), dx_(dx) {}

  template <std::size_t I>
  EIGEN_ALWAYS_INLINE void with_dx(std::integral_constant<std::size_t, I>, auto&& f) const {
    if constexpr (I == 0) {
      f(dx_);
    } else {
      auto dx = this->buffers_.template gradient<I - 1>();
      f(dx);
    }
  }

 private:
  DX& dx_;
};

/// The matrices of a prediction: x, y, and scratch memory for what lies between them.
template <class X, class Y, class Scratch>
class ChainInference {
 public:
  ChainInference(const X& x, Y& y, Scratch& scratch) : x_(x), y_(y), scratch_(scratch) {}

  template <std::size_t I>
  decltype(auto) x(std::integral_constant<std::size_t, I>) const {
    if constexpr (I == 0) return (x_);
    else return std::get<I - 1>(scratch_.layer).view();
  }
  template <std::size_t I>
  decltype(auto) y(std::integral_constant<std::size_t, I>, const auto& layer) const {
    if constexpr (I + 1 == std::tuple_size_v<decltype(scratch_.layer)>) {
      return (y_);
    } else {
      auto& buffer = std::get<I>(scratch_.layer);
      buffer.resize(layer.outputs(), x_.cols());
      return buffer.view();
    }
  }

 private:
  const X& x_;
  Y& y_;
  Scratch& scratch_;
};

}  // namespace mlp::inline MLP_ABI::detail
