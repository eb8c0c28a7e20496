#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/network.hpp>

namespace mlp::inline MLP_ABI {

/// The Jacobian of infer's raw outputs with respect to the inputs, at one sample; exact up to
/// rounding.
///   J_ki = dy_k / dx_i
/// Shapes: x inputs; J outputs x inputs. With static and small sizes J is of fixed size, and nothing is
/// allocated but the memory that each thread keeps for large products.
/// Errors: std::invalid_argument if x is not one sample.
template <class S, class L, class... Layers, class X>
auto jacobian(const BasicMlp<S, L, Layers...>& net, const Eigen::DenseBase<X>& x) {
  using Net = BasicMlp<S, L, Layers...>;
  constexpr int static_inputs = detail::static_sizes<Net>.inputs,
                static_outputs = detail::static_sizes<Net>.outputs;
  detail::check_equal(x.cols(), 1, "jacobian", " sample");
  // A batch with a copy of x for each output: with dy = I, backward computes the transpose of J.
  const Eigen::Replicate<X, 1, static_outputs> copies(x.derived(), 1, net.outputs());
  auto ws = net.template workspace<static_outputs>(net.outputs());
  net.forward_eval(copies, ws);
  ws.output_gradient().setIdentity();
  typename Net::ParameterVector unused(net.parameter_count());
  SizedMatrix<S, static_inputs, static_outputs> dx(net.inputs(), net.outputs());
  net.backward(copies, ws, unused, dx);
  return SizedMatrix<S, static_outputs, static_inputs>(dx.transpose());
}

}  // namespace mlp::inline MLP_ABI
