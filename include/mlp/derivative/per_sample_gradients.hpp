#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>

namespace mlp::inline MLP_ABI {

/// dL/dtheta for the loss L of each sample alone, in training mode: for influence functions, clipping per
/// sample, or the Fisher information. The mean of the columns is the batch's gradient, unless a layer's
/// statistics depend on the batch, or for Dropout or class weights.
/// Shapes: x inputs x B; t B labels, or a matrix with B columns; the result parameter_count() x B.
/// Randomness: rng draws the masks of Dropout, sample after sample.
/// Errors: std::invalid_argument as for net.loss(), and from layers that need more than one sample
/// (BatchNorm).
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

}  // namespace mlp::inline MLP_ABI
