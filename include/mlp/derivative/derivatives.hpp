#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>
#include <mlp/derivative/dual.hpp>

#include <limits>
#include <type_traits>

/// Derivatives of a network other than the gradient of its mean loss. All are exact but for rounding.
namespace mlp {

/// How each raw output of the trained network (those of infer) changes with each input, for
/// one sample:
///   J_ki = dy_k / dx_i
/// Shapes: x inputs; J outputs x inputs. Where the sizes are static and small, J is of fixed size and nothing
/// is allocated (but for the room that larger products keep: once for each thread).
/// Errors: std::invalid_argument if x is not one sample.
template <class S, class L, class... Layers, class X>
auto jacobian(const BasicMlp<S, L, Layers...>& net, const Eigen::DenseBase<X>& x) {
  using Net = BasicMlp<S, L, Layers...>;
  constexpr int static_inputs = detail::static_sizes<Net>.inputs,
                static_outputs = detail::static_sizes<Net>.outputs;
  detail::check_equal(x.cols(), 1, "jacobian", " sample");
  // A batch with a copy of x for each output: backward then turns dy = 1 into the transpose of J.
  const Eigen::Replicate<X, 1, static_outputs> copies(x.derived(), 1, net.outputs());
  auto ws = net.template workspace<static_outputs>(net.outputs());
  net.forward_eval(copies, ws);
  ws.output_gradient().setIdentity();
  typename Net::ParameterVector unused(net.parameter_count());
  SizedMatrix<S, static_inputs, static_outputs> dx(net.inputs(), net.outputs());
  net.backward(copies, ws, unused, dx);
  return SizedMatrix<S, static_outputs, static_inputs>(dx.transpose());
}

/// The gradient of each sample's loss alone, in the pass of training: for influence, for clipping sample by
/// sample, for the Fisher information. The mean of the columns is the batch's gradient, unless layers look at
/// the batch as a whole or the loss weighs classes.
/// Shapes: x inputs x B; t B labels, or a matrix with B columns; the result parameter_count() x B.
/// Errors: std::invalid_argument as net.loss(); from layers that take no single sample (BatchNorm).
template <class S, class L, class... Layers, class X, class T>
auto per_sample_gradients(const BasicMlp<S, L, Layers...>& net, const Eigen::DenseBase<X>& x,
                          const Eigen::DenseBase<T>& t, const Rng& rng = Rng{}) {
  using Net = BasicMlp<S, L, Layers...>;
  detail::check_equal(detail::sample_count(t.derived()), x.cols(), "per_sample_gradients",
                      " targets, one for each sample");
  auto ws = net.template workspace<1>();
  ws.rng = rng;
  SizedMatrix<S, Net::ParameterVector::RowsAtCompileTime, X::ColsAtCompileTime> result(net.parameter_count(),
                                                                                       x.cols());
  for (Index j = 0; j < x.cols(); ++j) {
    auto gradient = column(result, j);
    if constexpr (detail::is_labels<T>) {
      net.loss_and_gradient(x.derived().col(j), t.derived().template segment<1>(j), ws, gradient);
    } else {
      net.loss_and_gradient(x.derived().col(j), t.derived().col(j), ws, gradient);
    }
  }
  return result;
}

/// H v, with H the matrix of the second derivatives of the mean loss in the pass of training. H itself is
/// never formed: the gradient is computed once, with Duals, at theta + e v, and H v is its derivative by e. A
/// layer, activation or loss of your own must be fit for Duals: see dual.hpp. At a kink (ReLU at exactly 0)
/// it is what the side has to which v leads. It is computed in the network's scalar: use net.cast<double>()
/// where float has too few digits.
/// Randomness: rng draws the masks, the same ones for the same rng.
/// Shapes: x inputs x B; t B labels, or a matrix with B columns; v and the result parameter_count().
/// Errors: std::invalid_argument as net.loss(). The result is nan where the gradient is not finite.
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

}  // namespace mlp
