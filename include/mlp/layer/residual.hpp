#pragma once

#include <mlp/base/types.hpp>
#include <mlp/core/chain.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/kernel/tile.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace mlp {

namespace detail {

template <int N>
using state_count_base = std::conditional_t<N == 0, NoState, StateCount<N>>;

}  // namespace detail

namespace check {

template <int Outputs, int Inputs>
constexpr void residual_outputs_equal_its_inputs() {
  static_assert(Outputs == Inputs || Outputs == Dynamic || Inputs == Dynamic,
                "mlp: the last layer of a Residual must have as many outputs as the first has inputs");
}

}  // namespace check

/// A detour through layers, added to what came in:
///   y = x + f(x), f the layers one after the other;  dx = dy + (df/dx)^T dy
/// Shapes: x and y N x B; theta is the layers' parameters, one after the other, and so is the state of those
/// that have one.
/// Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition (2015).
template <class... Layers>
class Residual : private detail::Chain<float, Layers...>,
                 public detail::state_count_base<detail::static_state_counts<Layers...>()> {
  using Chain = detail::Chain<float, Layers...>;
  using StateCountBase = detail::state_count_base<Chain::static_state>;
  using typename Chain::LayerTuple;
  static constexpr bool is_stateful_ = Chain::static_state != 0;

 public:
  static constexpr const char* name = "Residual";
  using Chain::inputs;
  using Chain::layer;
  using Chain::outputs;
  using Chain::parameter_count;
  /// slice<I>(theta): the part of layer I within.
  using Chain::slice;

  /// Whether the passes within of batches of that size need no heap.
  template <int Batch>
  static constexpr bool workspace_is_fixed = (detail::works_in_place<Layers, Batch> && ...);

  /// The passes through the layers within.
  template <class S, int Batch = Dynamic>
  struct Cache {
    detail::PassBuffers<S, Batch, LayerTuple> within;
  };

  /// Errors: std::invalid_argument if sizes disagree.
  Residual() requires(std::is_default_constructible_v<Layers>&&...) : Residual(Layers()...) {}
  explicit Residual(Layers... each)
      : Chain(LayerTuple(std::move(each)...)), StateCountBase(Chain::state_size()) {
    check::residual_outputs_equal_its_inputs<detail::static_outputs<Chain>(),
                                             detail::static_inputs<Chain>()>();
    detail::check_equal(outputs(), inputs(), "Residual", " outputs, as it has inputs");
  }

  /// W and b of layer I within, as views into theta (or, of the same layout, its gradient).
  template <std::size_t I>
  auto weights(auto&& theta) const {
    return this->template layer<I>().weights(this->template slice<I>(theta));
  }
  template <std::size_t I>
  auto bias(auto&& theta) const {
    return this->template layer<I>().bias(this->template slice<I>(theta));
  }

  /// See the network's.
  void for_each_layer(auto&& f) const { Chain::for_each_layer(f); }

  void describe(auto& text) const {
    for_each_layer([&](const auto& inner, Index, Index) { text.add_part(inner); });
  }
  static Residual read(const auto& text) requires(sizeof...(Layers) == 1) {
    return Residual(Layers::read(text)...);
  }

  using Chain::initialize;
  using Chain::mark_weights;

  void initialize_state(auto& state) const { Chain::initialize_state(state); }
  void update_state(auto& state, auto& cache) const { Chain::update_state(state, cache.within); }

  template <class Y>
  void infer(const auto& theta, const auto& x, Y& y) const
      noexcept(is_real_time_<Y>) requires(!is_stateful_) {
    infer_with(theta, detail::NoState{}, x, y);
  }
  template <class Y>
  void infer(const auto& theta, const auto& state, const auto& x, Y& y) const
      noexcept(is_real_time_<Y>) requires is_stateful_ {
    infer_with(theta, state, x, y);
  }

  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng& rng) const {
    cache.within.resize(Chain::layers(), x.cols());
    Chain::forward(theta, x, cache.within, rng);
    add(x, cache.within.outputs(), y);
  }

  void forward_eval(const auto& theta, const auto& x, auto& y, auto& cache) const requires(!is_stateful_) {
    linearize_with(theta, detail::NoState{}, x, y, cache);
  }
  void forward_eval(const auto& theta, const auto& state, const auto& x, auto& y,
                    auto& cache) const requires is_stateful_ {
    linearize_with(theta, state, x, y, cache);
  }

  void backward(const auto& theta, const auto& x, const auto&, auto& cache, const auto& dy, auto& dtheta,
                auto&... dx) const {
    cache.within.output_gradient() = dy;
    Chain::backward(theta, x, cache.within, dtheta, dx...);
    (add(dy, std::as_const(dx), dx), ...);
  }

 private:
  template <class Y>
  static constexpr bool is_real_time_ = Y::ColsAtCompileTime == 1 && workspace_is_fixed<1> &&
                                        (detail::InfersWithoutThrowing<Layers, typename Y::Scalar> && ...);

  template <class Y>
  void infer_with(const auto& theta, const auto& state, const auto& x, Y& y) const {
    detail::LayerBuffers<typename Y::Scalar, Y::ColsAtCompileTime, LayerTuple> scratch;
    Chain::infer(theta, state, x, y, scratch);
    add(x, std::as_const(y), y);
  }

  void linearize_with(const auto& theta, const auto& state, const auto& x, auto& y, auto& cache) const {
    cache.within.resize(Chain::layers(), x.cols());
    Chain::forward_eval(theta, state, x, cache.within);
    add(x, cache.within.outputs(), y);
  }

  static void add(const auto& a, const auto& b, auto& sum) {
    for_each_tile([](const auto& p, const auto& q, auto& r) { r = p + q; }, a, b, sum);
  }
};

}  // namespace mlp
