#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

/// Layers, one after the other: where each one's parameters and state lie in the vectors of the whole, and the
/// chain rule through them. What a network and a Residual block are made of.
namespace mlp {

/// What the compiler names when types or sizes do not fit: read the numbers in the template arguments.
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

}  // namespace check

namespace detail {

// A size of a layer as a constant, if it is one.
template <class L>
consteval int static_inputs() {
  if constexpr (requires { std::integral_constant<Index, L::inputs()>{}; }) {
    return static_cast<int>(L::inputs());
  } else {
    return Dynamic;
  }
}
template <class L>
consteval int static_outputs() {
  if constexpr (requires { std::integral_constant<Index, L::outputs()>{}; }) {
    return static_cast<int>(L::outputs());
  } else {
    return Dynamic;
  }
}
template <class L>
consteval Index static_parameter_count() {
  if constexpr (requires { std::integral_constant<Index, L::parameter_count()>{}; }) {
    return L::parameter_count();
  } else {
    return Dynamic;
  }
}
template <class... L>
consteval Index static_parameter_counts() {
  return ((static_parameter_count<L>() == Dynamic) || ...) ? Dynamic
                                                           : (Index{0} + ... + static_parameter_count<L>());
}
template <class L>
consteval int static_state_count() {
  if constexpr (!StatefulLayer<L>) {
    return 0;
  } else if constexpr (requires { std::integral_constant<Index, L::state_count()>{}; }) {
    return static_cast<int>(L::state_count());
  } else {
    return Dynamic;
  }
}
template <class... L>
consteval int static_state_counts() {
  return ((static_state_count<L>() == Dynamic) || ...) ? Dynamic : (0 + ... + static_state_count<L>());
}

template <class L>
constexpr Index state_count([[maybe_unused]] const L& layer) {
  if constexpr (StatefulLayer<L>) return layer.state_count();
  else return 0;
}

template <class... L>
using front = std::tuple_element_t<0, std::tuple<L...>>;
template <class... L>
using back = std::tuple_element_t<sizeof...(L) - 1, std::tuple<L...>>;

// Stands in for a layer or loss that is none, so that the one error which says so is the only one.
struct StandIn {
  template <class>
  using Target = Labels;
  template <class>
  struct Cache {};
  StandIn() = default;
  explicit StandIn(const auto&) {}
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
using layer_tuple = std::tuple<std::conditional_t<Layer<Layers, S>, Layers, StandIn>...>;

inline void check_equal(Index found, Index expected, const char* who, const char* what) {
  if (found != expected) throw_unequal(who, expected, what, found);
}

inline void check_layer_inputs(std::size_t layer, Index expected, Index found) {
  if (found != expected) {
    throw_unequal("mlp: layer " + std::to_string(layer), expected,
                  " inputs, as the layer before it has outputs", found);
  }
}

template <class Tuple, std::size_t... I>
void check_layer_sizes(const Tuple& layers, std::index_sequence<I...>) {
  (check::layer_accepts_previous_output<static_cast<int>(I + 1),
                                        static_outputs<std::tuple_element_t<I, Tuple>>(),
                                        static_inputs<std::tuple_element_t<I + 1, Tuple>>()>(),
   ...);
  (check_layer_inputs(I + 1, std::get<I>(layers).outputs(), std::get<I + 1>(layers).inputs()), ...);
}

template <class S, class... Layers, std::size_t... I>
void check_layer_types(std::index_sequence<I...>) {
  (check::is_a_layer<static_cast<int>(I), Layers, S>(), ...);
}

template <class L, class S>
concept InfersWithoutThrowing = requires(const L& layer, VectorArgument<S>& v) {
  { layer.infer(v, v, v) }
  noexcept;
}
|| requires(const L& layer, VectorArgument<S>& v) {
  { layer.infer(v, v, v, v) }
  noexcept;
};

// Whether what a pass through the layer leaves fits into objects of a fixed size. A layer made of others says so
// itself.
template <class L, int Batch>
inline constexpr bool works_in_place = [] {
  if constexpr (requires { L::template workspace_is_fixed<Batch>; }) {
    return L::template workspace_is_fixed<Batch>;
  } else {
    return is_fixed<static_outputs<L>(), Batch>;
  }
}();

// A tuple of buffers, one for each layer's outputs.
template <class S, int Batch, class Tuple>
struct LayerBuffers;
template <class S, int Batch, class... Layers>
struct LayerBuffers<S, Batch, std::tuple<Layers...>> {
  std::tuple<Buffer<S, static_outputs<Layers>(), Batch>...> layer;

  void resize(const std::tuple<Layers...>& layers, Index batch) {
    resize(layers, batch, std::index_sequence_for<Layers...>{});
  }

 private:
  template <std::size_t... I>
  void resize(const std::tuple<Layers...>& layers, Index batch, std::index_sequence<I...>) {
    (std::get<I>(layer).resize(std::get<I>(layers).outputs(), batch), ...);
  }
};

template <class S, int Batch, class Tuple>
struct LayerCaches;
template <class S, int Batch, class... Layers>
struct LayerCaches<S, Batch, std::tuple<Layers...>> {
  std::tuple<typename cache_of<Layers, S, Batch>::type...> layer;
};

// What a pass through a chain remembers: each layer's y and dy, and its cache.
template <class S, int Batch, class Tuple>
class PassBuffers {
 public:
  void resize(const Tuple& layers, Index batch) {
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
    return std::get<I>(caches_.layer);
  }
  auto outputs() { return output<std::tuple_size_v<Tuple> - 1>(); }
  auto output_gradient() { return gradient<std::tuple_size_v<Tuple> - 1>(); }

  // Room for the dx of a first layer that can't do without.
  auto unused_input_gradient(Index rows) {
    unused_.resize(rows, outputs().cols());
    return unused_.view();
  }

 private:
  LayerBuffers<S, Batch, Tuple> outputs_, gradients_;
  LayerCaches<S, Batch, Tuple> caches_;
  Buffer<S, Dynamic, Dynamic> unused_;
};

// The passes through one layer, of whichever members it has. state is used by those that have one.
template <class L>
void infer_layer(const L& layer, const auto& theta, const auto& state, const auto& x, auto& y) {
  if constexpr (StatefulLayer<L>) layer.infer(theta, state, x, y);
  else layer.infer(theta, x, y);
}

// infer, with the cache that backward needs. What a layer's forward does if there is no more to say.
template <class L>
void linearize_layer(const L& layer, const auto& theta, const auto& state, const auto& x, auto& y,
                     auto& cache) {
  if constexpr (StatefulLayer<L>) {
    layer.forward_eval(theta, state, x, y, cache);
  } else if constexpr (requires { layer.forward_eval(theta, x, y, cache); }) {
    layer.forward_eval(theta, x, y, cache);
  } else {
    Rng none;
    layer.forward(theta, x, y, cache, none);
  }
}

// Without the dx that nobody asks for, or with what room(rows) gives for it, if the layer can't do without.
template <class L>
void backward_first_layer(const L& layer, const auto& theta, const auto& x, const auto& y, auto& cache,
                          auto& dy, auto& dtheta, auto&& room) {
  if constexpr (requires { layer.backward(theta, x, y, cache, dy, dtheta); }) {
    layer.backward(theta, x, y, cache, dy, dtheta);
  } else {
    auto dx = room(x.rows());
    layer.backward(theta, x, y, cache, dy, dtheta, dx);
  }
}

// All are weights in a layer that says nothing of it.
void mark_layer(const auto& layer, auto& mask) {
  if constexpr (requires { layer.mark_weights(mask); }) layer.mark_weights(mask);
  else mask.setOnes();
}

// In the place of a state, or of its size, where no layer has one.
struct NoState {
  constexpr NoState() = default;
  constexpr explicit NoState(Index) {}
};

// The layers themselves. S is the scalar type that they are checked for.
template <class S, class... Layers>
class Chain : public Inputs<static_inputs<front<Layers...>>()>,
              public Outputs<static_outputs<back<Layers...>>()>,
              public ParameterCount<static_parameter_counts<Layers...>()> {
  using InputsBase = Inputs<static_inputs<front<Layers...>>()>;
  using OutputsBase = Outputs<static_outputs<back<Layers...>>()>;
  using ParameterCountBase = ParameterCount<static_parameter_counts<Layers...>()>;
  static constexpr std::size_t last_ = sizeof...(Layers) - 1;

 public:
  using LayerTuple = layer_tuple<S, Layers...>;
  static constexpr std::size_t depth = sizeof...(Layers);
  static constexpr int static_state = static_state_counts<Layers...>();

  explicit Chain(LayerTuple layers)
      : InputsBase(std::get<0>(layers).inputs()),
        OutputsBase(std::get<last_>(layers).outputs()),
        ParameterCountBase(std::apply(
            [](const auto&... layer) { return checked_total({layer.parameter_count()...}); }, layers)),
        layers_(std::move(layers)) {
    check_layer_types<S, Layers...>(std::index_sequence_for<Layers...>{});
    check_layer_sizes(layers_, std::make_index_sequence<last_>{});
  }

  template <std::size_t I>
  const auto& layer() const {
    return std::get<I>(layers_);
  }
  const LayerTuple& layers() const { return layers_; }

  Index state_size() const {
    return std::apply([](const auto&... layer) { return checked_total({detail::state_count(layer)...}); },
                      layers_);
  }

  // Where layer I's parameters begin, and a view of them in theta or its gradient; likewise its state.
  template <std::size_t I>
  constexpr Index offset() const {
    if constexpr (I == 0) return 0;
    else return offset<I - 1>() + layer<I - 1>().parameter_count();
  }
  template <std::size_t I>
  auto slice(auto&& theta) const {
    return matrix_view<Dynamic, 1>(theta.data() + offset<I>(), layer<I>().parameter_count(), 1);
  }
  template <std::size_t I>
  constexpr Index state_offset() const {
    if constexpr (I == 0) return 0;
    else return state_offset<I - 1>() + detail::state_count(layer<I - 1>());
  }
  template <std::size_t I>
  auto state_slice(auto& state) const {
    return matrix_view<Dynamic, 1>(state.data() + state_offset<I>(), detail::state_count(layer<I>()), 1);
  }

  /// Calls f(layer, offset, state offset) for each layer in turn: where its parameters and its state begin. A
  /// layer that is a chain of this kind itself, of layers chosen at run time, is passed over for these.
  template <std::size_t I = 0>
  void for_each_layer(auto&& f) const {
    if constexpr (requires { layer<I>().for_each_layer(f, Index{0}, Index{0}); }) {
      layer<I>().for_each_layer(f, offset<I>(), state_offset<I>());
    } else {
      f(layer<I>(), offset<I>(), state_offset<I>());
    }
    if constexpr (I != last_) for_each_layer<I + 1>(f);
  }

  template <std::size_t I = 0>
  void initialize(auto& theta, Rng& rng) const {
    auto theta_i = slice<I>(theta);
    layer<I>().initialize(theta_i, rng);
    if constexpr (I != last_) initialize<I + 1>(theta, rng);
  }

  template <std::size_t I = 0>
  void initialize_state(auto& state) const {
    if constexpr (is_stateful<I>) {
      auto state_i = state_slice<I>(state);
      layer<I>().initialize_state(state_i);
    }
    if constexpr (I != last_) initialize_state<I + 1>(state);
  }

  // 1 for weights, 0 for the others.
  template <std::size_t I = 0>
  void mark_weights(auto& mask) const {
    auto mask_i = slice<I>(mask);
    mark_layer(layer<I>(), mask_i);
    if constexpr (I != last_) mark_weights<I + 1>(mask);
  }

  template <std::size_t I = 0>
  void infer(const auto& theta, const auto& state, const auto& x, auto& y, auto& scratch) const {
    if constexpr (I == last_) {
      infer_layer(layer<I>(), slice<I>(theta), state_of<I>(state), x, y);
    } else {
      auto& buffer = std::get<I>(scratch.layer);
      buffer.resize(layer<I>().outputs(), x.cols());
      auto h = buffer.view();
      infer_layer(layer<I>(), slice<I>(theta), state_of<I>(state), x, h);
      infer<I + 1>(theta, state, h, y, scratch);
    }
  }

  template <std::size_t I = 0>
  void forward(const auto& theta, const auto& x, auto& passes, Rng& rng) const {
    const auto theta_i = slice<I>(theta);
    auto y = passes.template output<I>();
    layer<I>().forward(theta_i, x, y, passes.template cache<I>(), rng);
    if constexpr (I != last_) forward<I + 1>(theta, y, passes, rng);
  }

  template <std::size_t I = 0>
  void forward_eval(const auto& theta, const auto& state, const auto& x, auto& passes) const {
    auto y = passes.template output<I>();
    linearize_layer(layer<I>(), slice<I>(theta), state_of<I>(state), x, y, passes.template cache<I>());
    if constexpr (I != last_) forward_eval<I + 1>(theta, state, y, passes);
  }

  // Layer I turns its dy into dtheta and dx, and the layer before it goes on from that dx.
  template <std::size_t I = last_>
  void backward(const auto& theta, const auto& x, auto& passes, auto& gradient,
                auto&... input_gradient) const {
    const auto theta_i = slice<I>(theta);
    auto dtheta = slice<I>(gradient);
    const auto y = passes.template output<I>();
    auto dy = passes.template gradient<I>();
    auto& cache = passes.template cache<I>();
    if constexpr (I > 0) {
      const auto x_i = passes.template output<I - 1>();
      auto dx = passes.template gradient<I - 1>();
      layer<I>().backward(theta_i, x_i, y, cache, dy, dtheta, dx);
      backward<I - 1>(theta, x, passes, gradient, input_gradient...);
    } else if constexpr (sizeof...(input_gradient) > 0) {
      layer<I>().backward(theta_i, x, y, cache, dy, dtheta, input_gradient...);
    } else {
      backward_first_layer(layer<I>(), theta_i, x, y, cache, dy, dtheta,
                           [&](Index rows) { return passes.unused_input_gradient(rows); });
    }
  }

  // After a forward pass: layers with state take in what they saw.
  template <std::size_t I = 0>
  void update_state(auto& state, auto& passes) const {
    if constexpr (is_stateful<I>) {
      auto state_i = state_slice<I>(state);
      layer<I>().update_state(state_i, passes.template cache<I>());
    }
    if constexpr (I != last_) update_state<I + 1>(state, passes);
  }

 private:
  template <std::size_t I>
  static constexpr bool is_stateful = StatefulLayer<std::tuple_element_t<I, LayerTuple>>;

  template <std::size_t I>
  auto state_of(const auto& state) const {
    if constexpr (is_stateful<I>) return state_slice<I>(state);
    else return NoState{};
  }

  [[no_unique_address]] LayerTuple layers_;
};

}  // namespace detail

}  // namespace mlp
