#pragma once

#include <mlp/initializer/glorot.hpp>

#include <type_traits>

namespace mlp::inline MLP_ABI {

/// Draws the weights by the activation's member type Initializer; without one, by GlorotUniform.
struct DefaultInitializer {};

namespace detail {

template <class F>
struct initializer_of : std::type_identity<GlorotUniform> {};
template <class F>
requires requires { typename F::Initializer; }
struct initializer_of<F> : std::type_identity<typename F::Initializer> {};

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
