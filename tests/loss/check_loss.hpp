#pragma once

#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/concepts.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "golden/compare.hpp"
#include "golden/pytorch.hpp"

/// Checks for every loss, with the views that a network passes to it.
namespace loss {

using mlp::Index;

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
template <class S>
inline constexpr auto epsilon = static_cast<double>(std::numeric_limits<S>::epsilon());

/// The number of targets for that many outputs.
template <class L>
constexpr int targets_of(int outputs) {
  if constexpr (requires { L::outputs_per_target; }) {
    return outputs == mlp::Dynamic ? mlp::Dynamic : outputs / static_cast<int>(L::outputs_per_target);
  } else {
    return outputs;
  }
}

template <int Rows, int Cols, class T>
decltype(auto) target_view(const T& t) {
  if constexpr (std::is_integral_v<typename T::Scalar>) return (t);
  else return mlp::column_major_view<Rows, Cols>(t);
}

/// Value and gradient, computed separately and together, for targets in any dense object.
template <int Rows, int Cols, class S, class L, class T>
void check(const L& loss, const mlp::Matrix<S>& outputs, const T& targets, double value,
           std::span<const double> gradient, double value_bound, double gradient_bound) {
  const Index rows = outputs.rows(), cols = outputs.cols();
  const auto y = mlp::matrix_view<Rows, Cols>(outputs.data(), rows, cols);
  const auto& t = target_view<targets_of<L>(Rows), Cols>(targets);
  const S alone = loss.value(y, t);
  CHECK(std::abs(static_cast<double>(alone) - value) <= value_bound);

  mlp::Matrix<S> storage = mlp::Matrix<S>::Constant(rows, cols, static_cast<S>(nan));
  auto dy = mlp::matrix_view<Rows, Cols>(storage.data(), rows, cols);
  loss.gradient(y, t, dy);
  CHECK(golden::worst_error(storage, gradient) <= gradient_bound);

  if constexpr (requires { loss.value_and_gradient(y, t, dy); }) {
    storage.setConstant(static_cast<S>(nan));
    const S together = loss.value_and_gradient(y, t, dy);
    CHECK(golden::worst_error(storage, gradient) <= gradient_bound);
    // sum / n and (1 / n) sum: three roundings of half an epsilon.
    CHECK(std::abs(static_cast<double>(together - alone)) <= 1.5 * epsilon<S> * std::abs(value));
  }
}

/// The same for a golden case of Rows x Cols, in views of static and of dynamic sizes, with targets that are
/// contiguous and, if they are a matrix, the middle rows of a larger one.
template <int Rows, int Cols, class S, class L, class T>
void check_golden(const L& loss, const golden::Loss<T>& expected, double value_bound, double gradient_bound) {
  REQUIRE((expected.outputs == Rows && expected.samples == Cols));
  const auto y = golden::matrix<S>(expected.y, Rows, Cols);
  const auto both = [&](const auto& t) {
    check<Rows, Cols>(loss, y, t, expected.value, expected.gradient, value_bound, gradient_bound);
    check<mlp::Dynamic, mlp::Dynamic>(loss, y, t, expected.value, expected.gradient, value_bound,
                                      gradient_bound);
  };
  if constexpr (std::is_integral_v<T>) {
    both(mlp::Labels(golden::matrix<int>(expected.t, Cols, 1)));
  } else {
    constexpr int rows = targets_of<L>(Rows);
    mlp::Matrix<S> t = mlp::Matrix<S>::Constant(rows + 2, Cols, static_cast<S>(nan));
    t.middleRows(1, rows) = golden::matrix<S>(expected.t, rows, Cols);
    both(t.middleRows(1, rows));
  }
}

/// The gradient against (L(y + h) - L(y - h)) / 2h in double. Its error: h^2 L''' / 6, with L''' < 1 here,
/// and the rounding of two values over 2h.
template <class L, class T>
void check_differences(const L& loss, const golden::Loss<T>& expected) {
  constexpr double h = 1e-5;
  const double bound = h * h + 8 * epsilon<double> * std::abs(expected.value) / h;
  auto y = golden::matrix<double>(expected.y, expected.outputs, expected.samples);
  const auto y_view =
      mlp::matrix_view<mlp::Dynamic, mlp::Dynamic>(std::as_const(y).data(), y.rows(), y.cols());
  const auto targets = [&] {
    if constexpr (std::is_integral_v<T>)
      return mlp::Labels(golden::matrix<int>(expected.t, expected.samples, 1));
    else return golden::matrix<double>(expected.t, targets_of<L>(expected.outputs), expected.samples);
  }();
  const auto& t = target_view<mlp::Dynamic, mlp::Dynamic>(targets);
  mlp::Matrix<double> dy(y.rows(), y.cols());
  loss.gradient(y_view, t, dy);
  for (Index i = 0; i < y.size(); ++i) {
    double& q = y.data()[i];
    const double before = q;
    q = before + h;
    const double above = loss.value(y_view, t);
    q = before - h;
    const double below = loss.value(y_view, t);
    q = before;
    CAPTURE(i);
    CHECK(std::abs(dy.data()[i] - (above - below) / (2 * h)) <= bound);
  }
}

}  // namespace loss
