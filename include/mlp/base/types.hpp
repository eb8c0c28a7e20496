#pragma once

#include <mlp/base/abi.hpp>
#include <mlp/base/eigen.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>

/// Dense multi-layer perceptrons on Eigen. Throughout the library columns are samples: a batch x is inputs x B.
namespace mlp::inline MLP_ABI {

using Eigen::Dynamic;
using Eigen::Index;

template <class S>
using Matrix = Eigen::Matrix<S, Dynamic, Dynamic>;
template <class S>
using Vector = Eigen::Matrix<S, Dynamic, 1>;
/// Class labels, one integer in [0, classes) per sample.
using Labels = Eigen::VectorXi;

/// The largest number of coefficients for which Eigen is given fixed sizes. Larger matrices get run-time sizes:
/// fixed ones would gain nothing, burden the stack, and overflow a 32-bit constant of Eigen 3.4 at 1024 x 1024.
inline constexpr Index max_fixed_size = 16384;

/// The same limit for scalars larger than double, in the bytes of max_fixed_size doubles: Eigen allows no larger
/// objects on the stack.
template <class S>
inline constexpr Index max_fixed_size_of = max_fixed_size* Index{sizeof(double)} /
                                           std::max<Index>(sizeof(S), sizeof(double));

template <int Rows, int Cols, class S = double>
inline constexpr bool is_fixed =
    Rows != Dynamic&& Cols != Dynamic&& std::int64_t{Rows} * Cols <= std::int64_t{max_fixed_size_of<S>};

/// Whether S can be the scalar type of a network: float, double, or a type that behaves like them.
template <class S>
inline constexpr bool is_real = std::is_floating_point_v<S>;

/// An Eigen matrix of Rows x Cols if both are known and their product is small, else of run-time sizes.
template <class S, int Rows, int Cols>
using SizedMatrix = std::conditional_t<is_fixed<Rows, Cols, S>, Eigen::Matrix<S, Rows, Cols>,
                                       Eigen::Matrix<S, Dynamic, Cols == 1 ? 1 : Dynamic>>;

namespace detail {

// Targets of an integral type are labels, a vector with one per sample; all others are a matrix with one column
// per sample.
template <class T>
inline constexpr bool is_labels = std::is_integral_v<typename T::Scalar>;

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
