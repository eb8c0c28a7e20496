#pragma once

#include <mlp/base/buffer.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI {

namespace detail {

// Whether everything that a pass through the layer leaves behind fits into objects of fixed size. A layer that contains
// layers defines it.
template <class L, int Batch>
inline constexpr bool workspace_is_fixed = [] {
  if constexpr (requires { L::template workspace_is_fixed<Batch>; }) {
    return L::template workspace_is_fixed<Batch>;
  } else {
    return is_fixed<static_sizes<L>.outputs, Batch>;
  }
}();

// A buffer for each layer's outputs.
template <class S, int Batch, class LayerTuple>
struct LayerBuffers;
template <class S, int Batch, class... Layers>
struct LayerBuffers<S, Batch, std::tuple<Layers...>> {
  std::tuple<Buffer<S, static_sizes<Layers>.outputs, Batch>...> layer;

  void resize(const std::tuple<Layers...>& layers, Index batch) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (std::get<I>(layer).resize(std::get<I>(layers).outputs(), batch), ...);
    }
    (std::index_sequence_for<Layers...>{});
  }
};

template <class S, int Batch, class LayerTuple>
struct caches_of;
template <class S, int Batch, class... Layers>
struct caches_of<S, Batch, std::tuple<Layers...>>
    : std::type_identity<std::tuple<typename cache_of<Layers, S, Batch>::type...>> {};

/// What a pass through a Chain remembers: y and dy of each layer, and its cache.
template <class S, int Batch, class LayerTuple>
class PassBuffers {
 public:
  void resize(const LayerTuple& layers, Index batch) {
    outputs_.resize(layers, batch);
    gradients_.resize(layers, batch);
  }

  template <std::size_t I>
  auto output() {
    return std::get<I>(outputs_.layer).view();
  }
  template <std::size_t I>
  auto gradient() {
    return std::get<I>(gradients_.layer).view();
  }
  template <std::size_t I>
  auto& cache() {
    return std::get<I>(caches_);
  }
  template <std::size_t I>
  auto& cache(std::integral_constant<std::size_t, I>, const auto&) {
    return cache<I>();
  }
  auto outputs() { return output<std::tuple_size_v<LayerTuple> - 1>(); }
  auto output_gradient() { return gradient<std::tuple_size_v<LayerTuple> - 1>(); }

  // For the dx of a first layer whose backward needs one.
  auto& unused_input_gradient() { return unused_; }

 private:
  LayerBuffers<S, Batch, LayerTuple> outputs_, gradients_;
  typename caches_of<S, Batch, LayerTuple>::type caches_;
  Buffer<S, Dynamic, Dynamic> unused_;
};

}  // namespace detail

/// Everything that a pass through a network of type Net must remember: the output of each layer, the derivative of the
/// loss with respect to it, the layers' caches, and the random numbers for layers that need them. The caller owns it
/// and reuses it: nothing is allocated once it has held its largest batch. With a static Batch and small layers it
/// needs no heap at all.
template <class Net, int Batch = Dynamic>
class Workspace : private detail::PassBuffers<typename Net::Scalar, Batch, typename Net::LayerTuple> {
  using PassBuffers = detail::PassBuffers<typename Net::Scalar, Batch, typename Net::LayerTuple>;
  friend Net;

 public:
  /// The random numbers of the training pass (for the masks of dropout). Seed it as you like.
  Rng rng{};

  explicit Workspace(const Net& net, Index batch = Batch == Dynamic ? 0 : Batch) { resize(net, batch); }

  /// Makes room for a batch of that many samples.
  /// Errors: std::invalid_argument if the batch is static and has another size.
  void resize(const Net& net, Index batch) {
    if constexpr (Batch != Dynamic) detail::check_equal(batch, Batch, "Workspace", " samples in a batch");
    PassBuffers::resize(net.layers(), batch);
  }

  /// output<I>(): y of layer I. Shape: outputs of the layer x B.
  using PassBuffers::output;
  /// gradient<I>(): dy of layer I. After a backward pass it holds whatever the layer left there.
  using PassBuffers::gradient;
  /// cache<I>(): the cache of layer I.
  using PassBuffers::cache;
  /// The network's outputs (logits), and the place where backward expects dL/d(outputs).
  using PassBuffers::output_gradient;
  using PassBuffers::outputs;

 private:
  PassBuffers& buffers() { return *this; }
};

}  // namespace mlp::inline MLP_ABI
