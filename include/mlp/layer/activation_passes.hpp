#pragma once

#include <mlp/activation/identity.hpp>
#include <mlp/kernel/tile.hpp>

#include <type_traits>
#include <utility>

/// The passes of a layer's activation f, tile by tile and in place.
namespace mlp::inline MLP_ABI::detail {

// y = f(y)
template <class F>
void apply(const F& f, auto& y) {
  if constexpr (!std::is_same_v<F, Identity>) {
    for_each_tile([&](auto& z) { f.forward(z); }, y);
  }
}

// Copies z to cache.z if the derivative needs it.
template <class F>
void keep_input(const F&, const auto& z, auto& cache) {
  if constexpr (F::needs_input) {
    cache.z.resize(z.rows(), z.cols());
    cache.z.view() = z;
  }
}

// delta = dy * f'(z), with dy in delta at first
template <class F>
void multiply_by_derivative(const F& f, const auto& y, auto& cache, auto& delta) {
  if constexpr (F::needs_input) {
    for_each_tile([&](const auto& z, const auto& a, auto& d) { f.backward(z, a, d); },
                  std::as_const(cache.z).view(), y, delta);
  } else if constexpr (!std::is_same_v<F, Identity>) {
    for_each_tile([&](const auto& a, auto& d) { f.backward(a, d); }, y, delta);
  }
}

}  // namespace mlp::inline MLP_ABI::detail
