#pragma once

#include <mlp/base/types.hpp>

namespace mlp::inline MLP_ABI::detail {

// The share of samples whose largest output is the label's or, with a matrix of targets, lies in the row of
// the largest target.
// Shapes: y K x B; t B labels, or K x B.
template <class Y, class T>
typename Y::Scalar share_of_largest(const Y& y, const T& t) {
  Index right = 0;
  for (Index j = 0; j < y.cols(); ++j) {
    Index found = 0, expected = 0;
    y.col(j).maxCoeff(&found);
    if constexpr (is_labels<T>) expected = t(j);
    else t.col(j).maxCoeff(&expected);
    right += found == expected;
  }
  return static_cast<typename Y::Scalar>(right) / static_cast<typename Y::Scalar>(y.cols());
}

}  // namespace mlp::inline MLP_ABI::detail
