#pragma once

#include <mlp/base/counts.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>

namespace mlp::inline MLP_ABI {

/// Storage for a Rows x Cols matrix that each pass overwrites. A fixed size lies inside the object; any other on the
/// heap, where it grows with a larger batch and stays for a smaller one, so that steps allocate nothing.
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

}  // namespace mlp::inline MLP_ABI
