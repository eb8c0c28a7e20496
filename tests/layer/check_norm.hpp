#pragma once

#include <doctest/doctest.h>

#include <mlp/base/types.hpp>
#include <mlp/core/network.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <limits>

#include "golden/compare.hpp"
#include "golden/layers.hpp"

/// Compares a norm with golden numbers, for their gamma, beta, data and derivatives.
///
/// Bounds: no input or output exceeds 16. Each output results from at most two successive sums over 19
/// coefficients or 7 samples, whose terms are each rounded by half an epsilon, and a dozen more operations.
template <class S, class Layer>
void check_norm(const Layer& layer, const golden::Norm& expected) {
  using namespace mlp;
  constexpr double bound = 16 * (19 + 7 + 12) * static_cast<double>(std::numeric_limits<S>::epsilon());
  BasicMlp<S, MeanSquaredError, Layer> net(layer);
  net.parameters() = golden::matrix<S, double>(golden::norm_parameters, net.parameter_count(), 1);
  const auto x = golden::matrix<S, double>(golden::norm_x, golden::norm_rows, golden::norm_samples);

  auto ws = net.workspace();
  CHECK(golden::worst_error(net.forward(x, ws), expected.y) <= bound);
  ws.output_gradient() = golden::matrix<S, double>(golden::norm_dy, x.rows(), x.cols());
  Vector<S> gradient, same;
  Matrix<S> dx;
  net.backward(x, ws, gradient, dx);
  CHECK(golden::worst_error(gradient, expected.gradient) <= bound);
  CHECK(golden::worst_error(dx, expected.dx) <= bound);
  net.backward(x, ws, same);
  CHECK(same == gradient);

  net.update_state(ws);
  for (const Matrix<S>& batch : {Matrix<S>((2 * x.array() + 1).matrix()), Matrix<S>(x.cwiseAbs2())}) {
    net.forward(batch, ws);
    net.update_state(ws);
  }
  if (!expected.state.empty()) CHECK(golden::worst_error(net.state(), expected.state) <= bound);
  CHECK(golden::worst_error(net.predict(x), expected.predictions) <= bound);
  for (Index j = 0; j < x.cols(); ++j) CHECK(net.predict(x.col(j)) == net.predict(x).col(j));
}
