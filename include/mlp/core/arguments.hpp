#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/checks.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/core/traits.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>

/// The arguments of a network's functions: checks of their sizes, and views of them. Users need not read this.
namespace mlp::inline MLP_ABI::detail {

template <class S, int StaticInputs, class X>
void check_inputs(const Eigen::DenseBase<X>& x, Index inputs) {
  check::scalar_is_the_networks<typename X::Scalar, S>();
  check::rows_are_the_networks<X::RowsAtCompileTime, StaticInputs>();
  check_equal(x.rows(), inputs, "mlp", " rows in x, one for each input");
}

template <class S, int StaticTargets, class L, class T, class W>
void check_targets(const L& loss, const Eigen::DenseBase<T>& t, const W& w, Index outputs, Index batch) {
  if (batch == 0)
    raise<std::invalid_argument>("mlp: expected at least one sample to take a mean loss of, found none");
  check::targets_are_the_losses<typename T::Scalar, L>();
  check_equal(sample_count(t.derived()), batch, "mlp", " targets, one for each sample");
  if constexpr (!is_labels<T>) {
    check::scalar_is_the_networks<typename T::Scalar, S>();
    check::rows_are_the_networks<T::RowsAtCompileTime, StaticTargets>();
    const Index each = outputs_per_target(loss);
    check_equal(
        t.rows(), outputs / each, "mlp",
        each == 1 ? " rows in t, one for each output" : " rows in t, of which each has several outputs");
  }
  check_weights(w, batch, "mlp");
}

// Labels as a view of a vector, a matrix as a column-major view of Rows x Cols; a copy where a view is impossible.
template <int Rows, int Cols, class T>
auto target_view(const Eigen::DenseBase<T>& t) {
  if constexpr (!is_labels<T>) {
    return column_major_view<Rows, Cols>(t);
  } else if constexpr (is_dense<T>) {
    return Eigen::Map<const Vector<typename T::Scalar>>(t.derived().data(), t.size());
  } else {
    return Vector<typename T::Scalar>(t.derived());
  }
}

// Makes room for a gradient that the caller owns: a dynamic matrix is resized, any other object must fit.
template <class S, class M>
void fit_size(M& m, Index rows, Index cols, const char* what) {
  check::gradient_is_writable<M, S>();
  const bool contiguous = m.cols() <= 1 || m.outerStride() == m.innerSize();
  if (m.rows() == rows && m.cols() == cols && contiguous) return;
  if constexpr (std::is_base_of_v<Eigen::PlainObjectBase<M>, M> && M::SizeAtCompileTime == Dynamic) {
    m.resize(rows, cols);
  } else {
    raise<std::invalid_argument>(
        {"mlp: expected room for a ", what, " of ", rows, " x ", cols, " contiguous coefficients, found ",
         m.rows(), " x ", m.cols(),
         contiguous ? "" : message({" with columns ", m.outerStride(), " coefficients apart"})});
  }
}

}  // namespace mlp::inline MLP_ABI::detail
