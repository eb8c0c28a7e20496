#pragma once

#include <mlp/base/buffer.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

namespace mlp::inline MLP_ABI::detail {

/// Takes the place of dx if the caller does not ask for it. `room` is for layers that always compute it.
template <class S>
struct UnusedGradient {
  Buffer<S, Dynamic, Dynamic>& room;
};
template <class S>
UnusedGradient(Buffer<S, Dynamic, Dynamic>&) -> UnusedGradient<S>;

/// Gives every layer the same calls, whichever optional members of the concept Layer it has. `state` is the layer's
/// part of the network's state, empty for layers without one.
template <class L>
class LayerAdaptor {
 public:
  explicit LayerAdaptor(const L& layer) : layer_(layer) {}

  EIGEN_ALWAYS_INLINE void infer(const auto& theta, [[maybe_unused]] const auto& state, const auto& x,
                                 auto& y) const {
    if constexpr (StatefulLayer<L>) layer_.infer(theta, state, x, y);
    else layer_.infer(theta, x, y);
  }

  EIGEN_ALWAYS_INLINE void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng& rng) const {
    layer_.forward(theta, x, y, cache, rng);
  }

  // Computes what infer does, and leaves the cache for backward. Defaults to forward.
  void forward_eval(const auto& theta, [[maybe_unused]] const auto& state, const auto& x, auto& y,
                    auto& cache) const {
    if constexpr (StatefulLayer<L>) {
      layer_.forward_eval(theta, state, x, y, cache);
    } else if constexpr (requires { layer_.forward_eval(theta, x, y, cache); }) {
      layer_.forward_eval(theta, x, y, cache);
    } else {
      Rng unused;
      layer_.forward(theta, x, y, cache, unused);
    }
  }

  EIGEN_ALWAYS_INLINE void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy,
                                    auto& dtheta, auto& dx) const {
    layer_.backward(theta, x, y, cache, dy, dtheta, dx);
  }
  template <class S>
  EIGEN_ALWAYS_INLINE void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy,
                                    auto& dtheta, UnusedGradient<S>& dx) const {
    if constexpr (requires { layer_.backward(theta, x, y, cache, dy, dtheta); }) {
      layer_.backward(theta, x, y, cache, dy, dtheta);
    } else {
      dx.room.resize(x.rows(), x.cols());
      auto room = dx.room.view();
      layer_.backward(theta, x, y, cache, dy, dtheta, room);
    }
  }

  void initialize_state([[maybe_unused]] auto& state) const {
    if constexpr (StatefulLayer<L>) layer_.initialize_state(state);
  }
  void update_state([[maybe_unused]] auto& state, [[maybe_unused]] auto& cache) const {
    if constexpr (StatefulLayer<L>) layer_.update_state(state, cache);
  }

  // Without mark_weights, every parameter is a weight.
  void mark_weights(auto& mask) const {
    if constexpr (requires { layer_.mark_weights(mask); }) layer_.mark_weights(mask);
    else mask.setOnes();
  }

 private:
  const L& layer_;
};

}  // namespace mlp::inline MLP_ABI::detail
