#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace mlp::inline MLP_ABI {

/// Samples as bytes, in a quarter of the memory of floats: images, for instance.
///   x = byte / divisor
/// Shapes: features x N, as a Matrix<S> of samples. A Dataset may hold it in place of x; fit and evaluate then
/// convert a batch at a time, to the same bits as matrix().
template <class S = float>
class ByteMatrix {
 public:
  using Scalar = S;
  using Bytes = Matrix<std::uint8_t>;

  ByteMatrix() : ByteMatrix(Bytes()) {}

  /// Errors: std::invalid_argument if the divisor is 0 or not finite.
  explicit ByteMatrix(Bytes bytes, S divisor = 255) : bytes_(std::move(bytes)), divisor_(divisor) {
    if (divisor == 0 || !std::isfinite(divisor)) {
      detail::raise<std::invalid_argument>(
          {"ByteMatrix: expected a finite divisor other than 0, found ", static_cast<double>(divisor)});
    }
    for (std::size_t byte = 0; byte < number_of_.size(); ++byte)
      number_of_[byte] = static_cast<S>(byte) / divisor;
  }

  Index rows() const { return bytes_.rows(); }
  Index cols() const { return bytes_.cols(); }
  const Bytes& bytes() const { return bytes_; }
  S divisor() const { return divisor_; }

  /// The numbers x, of all samples or of the samples [begin, begin + count).
  Matrix<S> matrix() const { return middleCols(0, cols()); }
  Matrix<S> middleCols(Index begin, Index count) const {
    Matrix<S> x(rows(), count);
    for (Index j = 0; j < count; ++j) copy_column(begin + j, x.col(j));
    return x;
  }

  /// Sets x, a contiguous vector, to the numbers of sample j.
  void copy_column(Index j, auto&& x) const {
    const std::uint8_t* const from = bytes_.data() + j * rows();
    S* const to = x.data();
    for (Index i = 0; i < rows(); ++i) to[i] = number_of_[from[i]];
  }

 private:
  Bytes bytes_;
  S divisor_;
  std::array<S, 256> number_of_;  // a look-up takes less time than a division
};

}  // namespace mlp::inline MLP_ABI
