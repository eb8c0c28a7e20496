#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/network.hpp>
#include <mlp/derivative/dual.hpp>

#include <limits>

namespace mlp::inline MLP_ABI {

/// H v, where H is the Hessian of the mean loss with respect to theta, in training mode. H itself
/// is never formed: one backward pass with Duals computes the gradient at theta + e v, and H v is its
/// derivative by e at e = 0; exact but for rounding. dual.hpp states what a layer, activation or loss of your
/// own must do to be computed with Duals. At a kink (ReLU at exactly 0) H v is the one-sided derivative in
/// the direction v. It computes in the network's scalar type: call it on net.cast<double>() where float has
/// too few digits.
/// Shapes: x inputs x B; t B labels, or a matrix with B columns; v and the result parameter_count().
/// Randomness: rng draws the masks of Dropout; the same rng draws the same masks.
/// Errors: std::invalid_argument as for net.loss(). A coefficient is nan where the gradient is not finite.
/// Source: Pearlmutter, Fast Exact Multiplication by the Hessian (1994).
template <class S, class L, class... Layers, class X, class T, class V>
auto hessian_vector_product(const BasicMlp<S, L, Layers...>& net, const Eigen::DenseBase<X>& x,
                            const Eigen::DenseBase<T>& t, const Eigen::DenseBase<V>& v,
                            const Rng& rng = Rng{}) {
  using D = Dual<S>;
  check::scalar_is_the_networks<typename X::Scalar, S>();
  check::scalar_is_the_networks<typename V::Scalar, S>();
  if constexpr (!detail::is_labels<T>) check::scalar_is_the_networks<typename T::Scalar, S>();
  detail::check_equal(v.size(), net.parameter_count(), "hessian_vector_product",
                      " coefficients in v, one for each parameter");

  auto moving = net.template cast<D>();
  for (Index i = 0; i < v.size(); ++i) moving.parameters()(i).derivative = v.derived()(i);
  auto ws = moving.workspace(x.cols());
  ws.rng = rng;
  typename BasicMlp<D, L, Layers...>::ParameterVector gradient(net.parameter_count());
  const Matrix<D> inputs = x.derived().template cast<D>();
  if constexpr (detail::is_labels<T>) {
    moving.loss_and_gradient(inputs, t, ws, gradient);
  } else {
    moving.loss_and_gradient(inputs, Matrix<D>(t.derived().template cast<D>()), ws, gradient);
  }

  typename BasicMlp<S, L, Layers...>::ParameterVector result(net.parameter_count());
  for (Index i = 0; i < result.size(); ++i) {
    result(i) = isfinite(gradient(i)) ? gradient(i).derivative : std::numeric_limits<S>::quiet_NaN();
  }
  return result;
}

}  // namespace mlp::inline MLP_ABI
