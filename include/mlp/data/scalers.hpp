#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/norm.hpp>
#include <mlp/kernel/tile.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace mlp::inline MLP_ABI {

namespace detail {

template <class X>
using PlainOf = Eigen::Matrix<typename X::Scalar, X::RowsAtCompileTime, X::ColsAtCompileTime>;

// The dense_view of an object. Throws std::invalid_argument if a coefficient is not finite.
template <class X>
auto finite_view(const Eigen::DenseBase<X>& object, const char* who) {
  const auto x = dense_view<X::RowsAtCompileTime, X::ColsAtCompileTime>(object);
  for (Index j = 0; j < x.cols(); ++j) {
    for (Index i = 0; i < x.rows(); ++i) {
      if (const auto value = x(i, j); !std::isfinite(value)) {
        raise<std::invalid_argument>(
            {who, ": expected finite numbers, found ", value, " in row ", i, ", column ", j});
      }
    }
  }
  return x;
}

inline void check_not_empty(Index features, Index samples, const char* who) {
  if (features == 0 || samples == 0) {
    raise<std::invalid_argument>(
        {who, ": expected at least one feature and one sample, found ", features, " x ", samples});
  }
}

inline void check_features(Index expected, Index found, const char* who) {
  if (found != expected) throw_unequal(who, expected, " features, the rows of x", found);
}

// The divisor of feature i: its spread, or 1 if the feature is constant.
template <class S>
S as_scale(double spread, Index i, const char* who) {
  const S scale = static_cast<S>(spread);
  if (!std::isfinite(scale)) {
    raise<std::invalid_argument>({who, ": expected features whose spread is a finite number, found row ", i});
  }
  return scale == 0 ? S(1) : scale;
}

}  // namespace detail

/// Shifts and scales each feature to mean 0 and standard deviation 1 over the data from which the scaler was
/// made, as scikit-learn's StandardScaler. Other data are transformed with the same mean and scale:
///
///     const StandardScaler scaler(train.x);
///     train.x = scaler.transform(train.x);
///     test.x = scaler.transform(test.x);
///
///   z_ij = (x_ij - mean_i) / scale_i
///   mean_i = 1/N sum_j x_ij,  scale_i = sqrt( 1/N sum_j (x_ij - mean_i)^2 ), or 1 if feature i is constant
/// Shapes: x features x N; mean and scale features.
/// Errors: std::invalid_argument if x is empty, holds a nan or an infinity (the message names its place),
///         or has another number of features than the scaler; also if a sum over a feature overflows.
template <class S = float>
struct StandardScaler {
  Vector<S> mean, scale;

  StandardScaler() = default;

  template <class X>
  explicit StandardScaler(const Eigen::DenseBase<X>& data) : mean(data.rows()), scale(data.rows()) {
    detail::check_not_empty(data.rows(), data.cols(), who_);
    const auto x = detail::finite_view(data, who_);
    const auto n = static_cast<double>(x.cols());
    for (Index i = 0; i < x.rows(); ++i) {
      const Vector<double> x_i = x.row(i).transpose().template cast<double>();
      const double mean_i = sum_tiles<double>([](const auto& a) { return a; }, x_i) / n;
      const double deviation = norm(Vector<double>(x_i.array() - mean_i)) / std::sqrt(n);
      // Equal numbers may differ from their mean by its rounding error.
      const double rounding = n * std::numeric_limits<double>::epsilon() * std::abs(mean_i);
      const bool is_constant = std::isfinite(rounding) && deviation <= rounding;
      mean(i) = static_cast<S>(mean_i);
      scale(i) = detail::as_scale<S>(is_constant ? 0 : deviation, i, who_);
    }
  }

  template <class X>
  detail::PlainOf<X> transform(const Eigen::DenseBase<X>& data) const {
    detail::check_features(mean.size(), data.rows(), who_);
    const auto x = detail::finite_view(data, who_);
    return ((x.array().colwise() - mean.array()).colwise() / scale.array()).matrix();
  }

  /// The inverse of transform: x_ij = mean_i + scale_i z_ij.
  template <class Z>
  detail::PlainOf<Z> inverse_transform(const Eigen::DenseBase<Z>& z) const {
    detail::check_features(mean.size(), z.rows(), who_);
    return ((z.derived().array().colwise() * scale.array()).colwise() + mean.array()).matrix();
  }

 private:
  static constexpr const char* who_ = "StandardScaler";
};

template <class X>
StandardScaler(const Eigen::DenseBase<X>&) -> StandardScaler<typename X::Scalar>;

/// Maps each feature linearly onto [low, high] over the data from which the scaler was made, as
/// scikit-learn's MinMaxScaler.
///   z_ij = low + (x_ij - min_i) / scale_i
///   min_i = min_j x_ij,  scale_i = (max_j x_ij - min_i) / (high - low), or 1 if feature i is constant
/// Shapes: x features x N; min and scale features.
/// Errors: std::invalid_argument if not low < high, and as for StandardScaler.
template <class S = float>
struct MinMaxScaler {
  Vector<S> min, scale;
  S low = 0;

  MinMaxScaler() = default;

  template <class X>
  explicit MinMaxScaler(const Eigen::DenseBase<X>& data, double range_low = 0, double range_high = 1)
      : scale(data.rows()), low(static_cast<S>(range_low)) {
    if (!(range_low < range_high)) {
      detail::raise<std::invalid_argument>(
          {who_, ": expected low < high, found ", range_low, " and ", range_high});
    }
    detail::check_not_empty(data.rows(), data.cols(), who_);
    const auto x = detail::finite_view(data, who_);
    min.resize(x.rows());
    for (Index i = 0; i < x.rows(); ++i) {
      (min)(i) = x.row(i).minCoeff();
      const double range = static_cast<double>(x.row(i).maxCoeff()) - static_cast<double>((min)(i));
      scale(i) = detail::as_scale<S>(range / (range_high - range_low), i, who_);
    }
  }

  template <class X>
  detail::PlainOf<X> transform(const Eigen::DenseBase<X>& data) const {
    detail::check_features(min.size(), data.rows(), who_);
    const auto x = detail::finite_view(data, who_);
    return ((x.array().colwise() - min.array()).colwise() / scale.array() + low).matrix();
  }

  /// The inverse of transform: x_ij = min_i + scale_i (z_ij - low).
  template <class Z>
  detail::PlainOf<Z> inverse_transform(const Eigen::DenseBase<Z>& z) const {
    detail::check_features(min.size(), z.rows(), who_);
    return (((z.derived().array() - low).colwise() * scale.array()).colwise() + min.array()).matrix();
  }

 private:
  static constexpr const char* who_ = "MinMaxScaler";
};

template <class X>
MinMaxScaler(const Eigen::DenseBase<X>&, double = 0, double = 1) -> MinMaxScaler<typename X::Scalar>;

/// A column for each label: 1 in the row of its class, 0 elsewhere.
/// Shapes: labels N integers in [0, classes); the result classes x N.
/// Errors: std::invalid_argument if a label is out of range.
template <class S = float, class T>
Matrix<S> one_hot(const Eigen::DenseBase<T>& labels, Index classes) {
  static_assert(detail::is_labels<T>, "mlp: the labels of one_hot must be integers");
  const Vector<typename T::Scalar> t = labels.derived().reshaped();
  detail::check_labels("one_hot", classes, t);
  Matrix<S> encoded = Matrix<S>::Zero(classes, t.size());
  for (Index j = 0; j < t.size(); ++j) {
    encoded(t(j), j) = 1;
  }
  return encoded;
}

/// The inverse of one_hot: the row of the 1 in each column.
/// Errors: std::invalid_argument if a column is not a single 1 and zeros.
template <class X>
Labels from_one_hot(const Eigen::DenseBase<X>& encoded) {
  const auto x = dense_view<X::RowsAtCompileTime, X::ColsAtCompileTime>(encoded);
  Labels labels(x.cols());
  for (Index j = 0; j < x.cols(); ++j) {
    if ((x.col(j).array() == 1).count() != 1 || (x.col(j).array() == 0).count() != x.rows() - 1) {
      detail::raise<std::invalid_argument>({"from_one_hot: expected a single 1 and zeros for sample ", j});
    }
    Index label = 0;
    x.col(j).maxCoeff(&label);
    labels(j) = static_cast<int>(label);
  }
  return labels;
}

}  // namespace mlp::inline MLP_ABI
