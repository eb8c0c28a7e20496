#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/chain.hpp>
#include <mlp/core/chain_rule.hpp>
#include <mlp/core/checks.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/layer_adaptor.hpp>
#include <mlp/core/traits.hpp>
#include <mlp/core/workspace.hpp>
#include <mlp/kernel/tile.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI {

/// A skip connection around layers f:
///   y = x + f(x);  dx = dy + (df/dx)^T dy
/// Shapes: x and y N x B; theta holds the parameters of the inner layers, one after the other; the state likewise.
/// Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition (2015).
template <class... Layers>
class Residual : private detail::Chain<float, Layers...> {
  using Chain = detail::Chain<float, Layers...>;
  using typename Chain::LayerTuple;

 public:
  static constexpr const char* name = "Residual";
  using Chain::inputs;
  using Chain::layer;
  using Chain::outputs;
  using Chain::parameter_count;
  using Chain::state_count;
  /// slice<I>(theta): the part of inner layer I.
  using Chain::slice;

  /// Whether passes through the inner layers need no heap for batches of that size.
  template <int Batch>
  static constexpr bool workspace_is_fixed = (detail::workspace_is_fixed<Layers, Batch> && ...);

  /// The passes through the inner layers.
  template <class S, int Batch = Dynamic>
  struct Cache {
    detail::PassBuffers<S, Batch, LayerTuple> within;
  };

  /// Errors: std::invalid_argument if sizes disagree.
  Residual() requires(std::is_default_constructible_v<Layers>&&...) : Residual(Layers()...) {}
  explicit Residual(Layers... each) : Chain(LayerTuple(std::move(each)...)) {
    constexpr detail::StaticSizes sizes = detail::static_sizes<Chain>;
    check::residual_outputs_equal_its_inputs<sizes.outputs, sizes.inputs>();
    detail::check_equal(outputs(), inputs(), "Residual", " outputs, as it has inputs");
  }

  /// W and b of inner layer I, as views into theta or its gradient.
  template <std::size_t I>
  auto weights(auto&& theta) const {
    return this->template layer<I>().weights(this->template slice<I>(theta));
  }
  template <std::size_t I>
  auto bias(auto&& theta) const {
    return this->template layer<I>().bias(this->template slice<I>(theta));
  }

  /// Like the network's.
  using Chain::for_each_layer;

  void describe(auto& text) const {
    for_each_layer([&](const auto& inner, Index, Index) { text.add_part(inner); });
  }
  static Residual read(const auto& text) requires(sizeof...(Layers) == 1) {
    return Residual(Layers::read(text)...);
  }

  void initialize(auto& theta, Rng& rng) const { detail::initialize_layers(chain(), theta, rng); }
  void initialize_state(auto& state) const { detail::initialize_state(chain(), state); }
  void mark_weights(auto& mask) const { detail::mark_weights(chain(), mask); }
  void update_state(auto& state, auto& cache) const { detail::update_state(chain(), state, cache.within); }

  template <class Y>
  void infer(const auto& theta, const auto& state, const auto& x, Y& y) const noexcept(is_real_time_<Y>) {
    detail::LayerBuffers<typename Y::Scalar, Y::ColsAtCompileTime, LayerTuple> scratch;
    detail::ChainInference pass(x, y, scratch);
    detail::infer_through(chain(), theta, state, pass);
    add(x, std::as_const(y), y);
  }

  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng& rng) const {
    cache.within.resize(Chain::layers(), x.cols());
    detail::ChainPass pass(x, cache.within);
    detail::forward_through(chain(), theta, pass, rng);
    add(x, cache.within.outputs(), y);
  }

  void forward_eval(const auto& theta, const auto& state, const auto& x, auto& y, auto& cache) const {
    cache.within.resize(Chain::layers(), x.cols());
    detail::ChainPass pass(x, cache.within);
    detail::forward_eval_through(chain(), theta, state, pass);
    add(x, cache.within.outputs(), y);
  }

  void backward(const auto& theta, const auto& x, const auto&, auto& cache, const auto& dy, auto& dtheta,
                auto& dx) const {
    backward_within(theta, x, cache, dy, dtheta, dx);
    add(dy, std::as_const(dx), dx);
  }
  void backward(const auto& theta, const auto& x, const auto&, auto& cache, const auto& dy,
                auto& dtheta) const {
    detail::UnusedGradient dx{cache.within.unused_input_gradient()};
    backward_within(theta, x, cache, dy, dtheta, dx);
  }

 private:
  template <class Y>
  static constexpr bool is_real_time_ = Y::ColsAtCompileTime == 1 && workspace_is_fixed<1> &&
                                        (detail::InfersWithoutThrowing<Layers, typename Y::Scalar> && ...);

  const Chain& chain() const { return *this; }

  void backward_within(const auto& theta, const auto& x, auto& cache, const auto& dy, auto& dtheta,
                       auto& dx) const {
    cache.within.output_gradient() = dy;
    detail::ChainBackwardPass pass(x, cache.within, dx);
    detail::backward_through(chain(), theta, pass, dtheta);
  }

  static void add(const auto& a, const auto& b, auto& sum) {
    for_each_tile([](const auto& p, const auto& q, auto& r) { r = p + q; }, a, b, sum);
  }
};

}  // namespace mlp::inline MLP_ABI
