#pragma once

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

/// Dense multi-layer perceptrons on Eigen. Throughout: columns are samples, and a batch x is inputs x B.
namespace mlp {

using Eigen::Dynamic;
using Eigen::Index;

template <class S>
using Matrix = Eigen::Matrix<S, Dynamic, Dynamic>;
template <class S>
using Vector = Eigen::Matrix<S, Dynamic, 1>;
/// Class labels, one integer in [0, classes) per sample.
using Labels = Eigen::VectorXi;

/// The largest number of coefficients that Eigen is given as a fixed size. Above it sizes are run-time
/// values: they gain nothing there, would burden the stack, and Eigen 3.4 overflows a 32-bit constant at 1024
/// x 1024.
inline constexpr Index max_fixed_size = 16384;

/// For a scalar larger than double, the bytes that so many doubles take: Eigen allows no larger objects.
template <class S>
inline constexpr Index max_fixed_size_of = max_fixed_size* Index{sizeof(double)} /
                                           std::max<Index>(sizeof(S), sizeof(double));

template <int Rows, int Cols, class S = double>
inline constexpr bool is_fixed =
    Rows != Dynamic&& Cols != Dynamic&& Index{Rows} * Index{Cols} <= max_fixed_size_of<S>;

/// Whether a network can compute with numbers of type S: float, double, and what behaves as they do.
template <class S>
inline constexpr bool is_real = std::is_floating_point_v<S>;

/// Eigen's matrix of Rows x Cols where that is known and small, of run-time sizes otherwise.
template <class S, int Rows, int Cols>
using SizedMatrix = std::conditional_t<is_fixed<Rows, Cols, S>, Eigen::Matrix<S, Rows, Cols>,
                                       Eigen::Matrix<S, Dynamic, Cols == 1 ? 1 : Dynamic>>;

namespace detail {

// Targets of an integral type are labels, a vector of samples; all others are a matrix with a column per
// sample.
template <class T>
inline constexpr bool is_labels = std::is_integral_v<typename T::Scalar>;

// Throws an E, or, in a program built without exceptions, says what is wrong and ends it.
template <class E>
[[noreturn]] void raise(const std::string& what) {
#ifdef __cpp_exceptions
  throw E(what);
#else
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
#endif
}

// Throws unless an option is right: check_option(rate >= 0, "Sgd", "learning_rate >= 0", rate). A condition
// that says what is good, so that nan is not.
template <class T>
constexpr void check_option(bool right, const char* who, const char* expected, T found) {
  if (!right) {
    raise<std::invalid_argument>(std::string(who) + ": expected " + expected + ", found " +
                                 std::to_string(found));
  }
}

// Targets that are no labels pass.
template <class T>
void check_labels(const char* who, Index classes, const T& t) {
  if constexpr (is_labels<T>) {
    for (Index j = 0; j < t.size(); ++j) {
      if (t(j) < 0 || t(j) >= classes) {
        raise<std::invalid_argument>(std::string(who) + ": expected labels in [0, " +
                                     std::to_string(classes) + "), found " + std::to_string(t(j)) +
                                     " for sample " + std::to_string(j));
      }
    }
  }
}

// std::to_string may say "-nan".
inline std::string text_of(double value) { return std::isnan(value) ? "nan" : std::to_string(value); }

// Apart from the templates that call it, which keeps them small.
[[noreturn]] inline void throw_unequal(const std::string& who, Index expected, const char* what,
                                       Index found) {
  raise<std::invalid_argument>(who + ": expected " + std::to_string(expected) + what + ", found " +
                               std::to_string(found));
}

// The most coefficients that anything may have, be it parameters, state, or the outputs of a layer: as many
// doubles as an Index can count bytes. The sum of two such counts, and up to seven times one, fit in an Index, so
// that what is too large is refused and does not wrap.
inline constexpr Index max_count = std::numeric_limits<Index>::max() / Index{sizeof(double)};

// The one check of counts: every count of a layer or network passes it.
constexpr Index checked_count(Index n, const char* who = "mlp") {
  if (n < 0 || n > max_count) {
    raise<std::invalid_argument>(std::string(who) + ": expected a size in [0, " + std::to_string(max_count) +
                                 "], which memory could hold, found " + std::to_string(n));
  }
  return n;
}

// Sums and products of counts.
constexpr Index checked_sum(Index a, Index b) { return checked_count(checked_count(a) + checked_count(b)); }
constexpr Index checked_total(std::initializer_list<Index> counts) {
  Index total = 0;
  for (const Index count : counts) total = checked_sum(total, count);
  return total;
}
constexpr Index checked_product(Index a, Index b, const char* who = "mlp") {
  constexpr Index small = Index{1} << (std::numeric_limits<Index>::digits / 2 - 2);  // saves the division
  if ((a | b) < small || b == 0 || a <= max_count / b) return a * b;
  raise<std::invalid_argument>(std::string(who) + ": expected no more than the " + std::to_string(max_count) +
                               " coefficients that memory could hold, found " + std::to_string(a) + " x " +
                               std::to_string(b));
}

template <int N>
constexpr Index checked_size(Index n, const char* who) {
  static_assert(N > 0 || N == Dynamic, "mlp: the size of a layer must be positive, or Dynamic");
  if (n <= 0)
    raise<std::invalid_argument>(std::string(who) + ": expected a positive size, found " + std::to_string(n));
  return checked_count(n, who);
}

}  // namespace detail

/// A size that is a template argument, or, with N = Dynamic, a number given at run time. A known one takes no
/// space.
template <Index N>
struct Extent {
  constexpr Extent() = default;
  /// Errors: std::invalid_argument if n is not N.
  constexpr explicit Extent(Index n) {
    if (n != N) detail::throw_unequal("mlp", N, " as the size that the type says", n);
  }
  static constexpr Index value() { return N; }
};

template <>
struct Extent<Dynamic> {
  /// Errors: std::invalid_argument if n is negative, or more than memory could hold.
  constexpr explicit Extent(Index n) : n_(detail::checked_count(n)) {}
  constexpr Index value() const { return n_; }

 private:
  Index n_;
};

/// Bases that give a layer (or a network) its sizes: functions that are static where the size is, so that
/// they are constant expressions there, and members where it is Dynamic.
/// Errors: as Extent.
template <Index N>
struct Inputs {
  constexpr Inputs() = default;
  constexpr explicit Inputs(Index n) { Extent<N>{n}; }
  static constexpr Index inputs() { return N; }
};
template <>
struct Inputs<Dynamic> {
  constexpr explicit Inputs(Index n) : n_(n) {}
  constexpr Index inputs() const { return n_.value(); }

 private:
  Extent<Dynamic> n_;
};

template <Index N>
struct Outputs {
  constexpr Outputs() = default;
  constexpr explicit Outputs(Index n) { Extent<N>{n}; }
  static constexpr Index outputs() { return N; }
};
template <>
struct Outputs<Dynamic> {
  constexpr explicit Outputs(Index n) : n_(n) {}
  constexpr Index outputs() const { return n_.value(); }

 private:
  Extent<Dynamic> n_;
};

template <Index N>
struct ParameterCount {
  constexpr ParameterCount() = default;
  constexpr explicit ParameterCount(Index n) { Extent<N>{n}; }
  static constexpr Index parameter_count() { return N; }
};
template <>
struct ParameterCount<Dynamic> {
  constexpr explicit ParameterCount(Index n) : n_(n) {}
  constexpr Index parameter_count() const { return n_.value(); }

 private:
  Extent<Dynamic> n_;
};

template <Index N>
struct StateCount {
  constexpr StateCount() = default;
  constexpr explicit StateCount(Index n) { Extent<N>{n}; }
  static constexpr Index state_count() { return N; }
};
template <>
struct StateCount<Dynamic> {
  constexpr explicit StateCount(Index n) : n_(n) {}
  constexpr Index state_count() const { return n_.value(); }

 private:
  Extent<Dynamic> n_;
};

/// Views rows x cols coefficients at `data`, column-major, as a matrix that may be written if *data may.
template <int Rows, int Cols, class S>
auto matrix_view(S* data, Index rows, Index cols) {
  using M = SizedMatrix<std::remove_const_t<S>, Rows, Cols>;
  return Eigen::Map<std::conditional_t<std::is_const_v<S>, const M, M>>(data, rows, cols);
}

/// Views column j of a column-major matrix, as a vector of fixed size where the rows are.
template <class M>
auto column(M&& m, Index j) {
  return matrix_view<std::remove_cvref_t<M>::RowsAtCompileTime, 1>(m.data() + j * m.colStride(), m.rows(), 1);
}

/// Views a dense Eigen object as a matrix of fixed sizes where Rows and Cols say so, without copying it if
/// its coefficients lie side by side along columns (or rows); anything else (an expression such as 2 * x, a
/// strided vector) is evaluated. Bind the result to a const auto.
template <int Rows, int Cols, class X>
auto dense_view(const Eigen::DenseBase<X>& object) {
  const X& x = object.derived();
  using Plain = SizedMatrix<typename X::Scalar, Rows, Cols>;
  if constexpr ((X::Flags & Eigen::DirectAccessBit) != 0 && X::InnerStrideAtCompileTime == 1) {
    constexpr int rows = Plain::RowsAtCompileTime, cols = Plain::ColsAtCompileTime;
    constexpr bool row_major = X::IsRowMajor && cols != 1;
    constexpr bool spread_row =
        rows == 1 && cols != 1 && !row_major;  // a fixed row must have no stride in it
    using M = std::conditional_t<
        spread_row, Matrix<typename X::Scalar>,
        Eigen::Matrix<typename X::Scalar, rows, cols,
                      (rows == 1 && cols != 1) || row_major ? Eigen::RowMajor : Eigen::ColMajor>>;
    using Stride = Eigen::OuterStride<>;
    return Eigen::Map<const M, 0, Stride>(x.data(), x.rows(), x.cols(), Stride(x.outerStride()));
  } else {
    return Plain(x);
  }
}

/// As dense_view, and always column-major: a row-major matrix is copied.
template <int Rows, int Cols, class X>
auto column_view(const Eigen::DenseBase<X>& x) {
  if constexpr (X::IsRowMajor && X::RowsAtCompileTime != 1) {
    return SizedMatrix<typename X::Scalar, Rows, Cols>(x.derived());
  } else {
    return dense_view<Rows, Cols>(x);
  }
}

/// Storage for a Rows x Cols matrix that a pass fills anew each time. A fixed size lies inside the object;
/// any other on the heap, which grows when a larger batch comes and is kept when a smaller one does.
template <class S, int Rows, int Cols>
class Buffer {
 public:
  /// Errors: std::invalid_argument if memory could not hold as many coefficients.
  void resize(Index rows, Index cols) {
    const Index size = detail::checked_product(rows, cols);
    if (size > storage_.size()) storage_.resize(size);
    rows_ = rows;
    cols_ = cols;
  }

  auto view() { return matrix_view<Rows, Cols>(storage_.data(), rows_, cols_); }
  auto view() const { return matrix_view<Rows, Cols>(storage_.data(), rows_, cols_); }

 private:
  Vector<S> storage_;
  Index rows_ = 0, cols_ = 0;
};

template <class S, int Rows, int Cols>
requires is_fixed<Rows, Cols, S>
class Buffer<S, Rows, Cols> {
 public:
  void resize(Index, Index) {}

  auto view() { return matrix_view<Rows, Cols>(storage_.data(), Rows, Cols); }
  auto view() const { return matrix_view<Rows, Cols>(storage_.data(), Rows, Cols); }

 private:
  Eigen::Matrix<S, Rows, Cols> storage_;
};

}  // namespace mlp
