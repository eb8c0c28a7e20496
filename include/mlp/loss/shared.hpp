#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

/// What several losses have in common.
namespace mlp::detail {

// The mean over all elements of what terms(y, t, dy, w...) returns for tiles; what it leaves in dy, the
// derivatives of the terms, is not asked for here.
template <class Y>
typename Y::Scalar mean(const auto& terms, const Y& y, const auto& t, const auto&... w) {
  using S = typename Y::Scalar;
  return sum_tiles<S>(
             [&](const auto& y_tile, const auto& t_tile, const auto&... w_tiles) {
               Tile<S> dy;
               return terms(y_tile, t_tile, dy, w_tiles...);
             },
             y, t, w...) /
         static_cast<S>(y.size());
}

// The same, with dy the gradient of the mean.
template <class Y>
typename Y::Scalar mean_and_gradient(const auto& terms, const Y& y, const auto& t, auto& dy,
                                     const auto&... w) {
  using S = typename Y::Scalar;
  const S scale = S(1) / static_cast<S>(y.size());
  return scale * sum_tiles<S>(
                     [&](const auto& y_tile, const auto& t_tile, auto& dy_tile, const auto&... w_tiles) {
                       const Tile<S> result = terms(y_tile, t_tile, dy_tile, w_tiles...);
                       dy_tile *= scale;
                       return result;
                     },
                     y, t, dy, w...);
}

// The share of samples whose largest output is that of the label, or of the largest target.
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

// `name` begins the message: "Loss: expected option".
inline void check_weights_option(const std::string& name, const std::vector<double>& weights) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] >= 0 && weights[i] <= std::numeric_limits<double>::max()))
      raise<std::invalid_argument>(name + " that are finite and >= 0, found " + std::to_string(weights[i]) +
                                   " at index " + std::to_string(i));
  }
}

inline void check_weight_count(const std::string& name, const std::vector<double>& weights, Index outputs,
                               const std::string& what) {
  if (!weights.empty() && static_cast<Index>(weights.size()) != outputs)
    raise<std::invalid_argument>(name + " for " + std::to_string(outputs) + what + ", found " +
                                 std::to_string(weights.size()));
}

}  // namespace mlp::detail
