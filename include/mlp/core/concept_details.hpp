#pragma once

#include <mlp/base/types.hpp>

#include <type_traits>

/// Helpers of the concepts and of code that uses them. Users of the library need not read this.
namespace mlp::inline MLP_ABI::detail {

template <class S>
using MatrixArgument = Eigen::Map<Matrix<S>>;
template <class S>
using VectorArgument = Eigen::Map<Vector<S>>;

template <class L, class S>
concept HasCache = requires {
  typename L::template Cache<S>;
};
template <class L, class S, int Batch>
concept HasSizedCache = requires {
  typename L::template Cache<S, Batch>;
};

// A layer's Cache<S, Batch>, or Cache<S>.
struct NoCache {};
template <class L, class S, int Batch>
struct cache_of : std::type_identity<NoCache> {};
template <class L, class S, int Batch>
requires HasSizedCache<L, S, Batch>
struct cache_of<L, S, Batch> : std::type_identity<typename L::template Cache<S, Batch>> {
};
template <class L, class S, int Batch>
requires(HasCache<L, S> && !HasSizedCache<L, S, Batch>) struct cache_of<L, S, Batch>
    : std::type_identity<typename L::template Cache<S>> {
};

template <class T>
void validate(const T& options) {
  if constexpr (requires { options.validate(); }) options.validate();
}

// Calls use(part); for a part that is chosen at run time, use(the chosen one).
template <class P>
EIGEN_STRONG_INLINE void visit(const P& part, auto&& use) {
  if constexpr (requires { typename P::Alternatives; }) part.visit(use);
  else use(part);
}

}  // namespace mlp::inline MLP_ABI::detail
