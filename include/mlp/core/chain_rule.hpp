#pragma once

#include <mlp/base/compiler.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/layer_adaptor.hpp>

/// Forward and backward through layers, one after the other:
///
///     forward    x_0 = x,    y_i = f_i(x_i),    x_{i+1} = y_i
///     backward   dtheta_i = (dy_i / dtheta_i)^T dL/dy_i,   dL/dx_i = (dy_i / dx_i)^T dL/dy_i,   dL/dy_{i-1} = dL/dx_i
///
/// Each layer computes its two products; the last equation, which hands dL/dx_i to the layer before it, is the chain
/// rule. Chain (layers in a tuple) and Sequential (layers in a vector) both pass through here.
///
/// `layers.for_each(f)` calls f(i, layer, offset, state_offset) for each layer, with the places where its parameters
/// and its state begin; for_each_backwards starts at the last. `at` is the pass: it has the matrices of layer i, as
/// at.x(i), at.y(i, layer), at.dy(i) and at.cache(i, layer), and at.with_dx(i, f) calls f(dx). i is a number for a
/// Sequential, and a std::integral_constant for a Chain, whose matrices have types of their own.
//
// always_inline: left to themselves, compilers stop inlining in larger programs, and predict through 1-32-32-1 takes
// 138 ns instead of 76 (g++ 12, AVX2).
namespace mlp::inline MLP_ABI::detail {

void infer_through(const auto& layers, const auto& theta, const auto& state, auto& at) {
  const auto pass = [&](auto i, const auto& layer, Index offset, Index state_offset) MLP_ALWAYS_INLINE {
    const auto& x = at.x(i);
    auto&& y = at.y(i, layer);
    LayerAdaptor(layer).infer(segment_of(theta, offset, layer.parameter_count()),
                              segment_of(state, state_offset, state_count(layer)), x, y);
  };
  layers.for_each(pass);
}

void forward_through(const auto& layers, const auto& theta, auto& at, Rng& rng) {
  const auto pass = [&](auto i, const auto& layer, Index offset, Index) MLP_ALWAYS_INLINE {
    const auto& x = at.x(i);
    auto&& y = at.y(i, layer);
    LayerAdaptor(layer).forward(segment_of(theta, offset, layer.parameter_count()), x, y, at.cache(i, layer),
                                rng);
  };
  layers.for_each(pass);
}

/// The forward pass of a prediction, with the caches that backward needs.
void forward_eval_through(const auto& layers, const auto& theta, const auto& state, auto& at) {
  const auto pass = [&](auto i, const auto& layer, Index offset, Index state_offset) MLP_ALWAYS_INLINE {
    const auto& x = at.x(i);
    auto&& y = at.y(i, layer);
    LayerAdaptor(layer).forward_eval(segment_of(theta, offset, layer.parameter_count()),
                                     segment_of(state, state_offset, state_count(layer)), x, y,
                                     at.cache(i, layer));
  };
  layers.for_each(pass);
}

void backward_through(const auto& layers, const auto& theta, auto& at, auto& gradient) {
  const auto pass = [&](auto i, const auto& layer, Index offset, Index) MLP_ALWAYS_INLINE {
    const auto& x = at.x(i);
    const auto& y = at.y(i, layer);
    auto&& dy = at.dy(i);
    auto dtheta = segment_of(gradient, offset, layer.parameter_count());
    const auto turn_dy_into = [&](auto& dx) MLP_ALWAYS_INLINE {
      LayerAdaptor(layer).backward(segment_of(theta, offset, layer.parameter_count()), x, y,
                                   at.cache(i, layer), dy, dtheta, dx);
    };
    at.with_dx(i, turn_dy_into);  // dx of layer i is dy of layer i - 1
  };
  layers.for_each_backwards(pass);
}

void initialize_layers(const auto& layers, auto& theta, Rng& rng) {
  layers.for_each([&](auto, const auto& layer, Index offset, Index) {
    auto theta_i = segment_of(theta, offset, layer.parameter_count());
    layer.initialize(theta_i, rng);
  });
}

void initialize_state(const auto& layers, auto&& state) {
  layers.for_each([&](auto, const auto& layer, Index, Index state_offset) {
    auto state_i = segment_of(state, state_offset, state_count(layer));
    LayerAdaptor(layer).initialize_state(state_i);
  });
}

/// After a forward pass: layers update their running statistics from their caches.
void update_state(const auto& layers, auto&& state, auto& caches) {
  layers.for_each([&](auto i, const auto& layer, Index, Index state_offset) {
    auto state_i = segment_of(state, state_offset, state_count(layer));
    LayerAdaptor(layer).update_state(state_i, caches.cache(i, layer));
  });
}

/// Sets the mask to 1 for weights, and to 0 for the other parameters.
void mark_weights(const auto& layers, auto& mask) {
  layers.for_each([&](auto, const auto& layer, Index offset, Index) {
    auto mask_i = segment_of(mask, offset, layer.parameter_count());
    LayerAdaptor(layer).mark_weights(mask_i);
  });
}

}  // namespace mlp::inline MLP_ABI::detail
