#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

/// Sample weights for any loss:
///   L = sum_j w_j l_j / sum_j w_j, with l_j the loss of sample j alone,
/// so that a weight of 2 has the effect of giving the sample twice. An empty vector of weights means equal weights. A
/// loss sees weighted samples one at a time and need not know about weights.
///
/// A loss may itself weigh samples by their class. Its mean over a batch is sum_j c_j l_j / sum_j c_j, its member
/// weight(t) returns sum_j c_j, and the total weight of sample j is w_j c_j.
namespace mlp::inline MLP_ABI::detail {

// The empty vector of weights, with a size that the compiler knows: code for weighted samples is not compiled.
using NoWeights = Eigen::Matrix<float, 0, 1>;
template <class W>
inline constexpr bool may_have_weights = W::SizeAtCompileTime != 0;

template <class T>
Index sample_count(const T& t) {
  if constexpr (is_labels<T>) return t.size();
  else return t.cols();
}

// Sample j alone, as a batch of one. Its type is that of a batch of any size, so that a loss is compiled once.
template <class Y>
auto outputs_of(Y& y, Index j) {
  return matrix_view<Y::RowsAtCompileTime, Dynamic>(y.data() + j * y.colStride(), y.rows(), 1);
}
template <class T>
auto targets_of(const T& t, Index j) {
  if constexpr (is_labels<T>) return Eigen::Map<const Vector<typename T::Scalar>>(t.data() + j, 1);
  else return dense_view<T::RowsAtCompileTime, Dynamic>(t.middleCols(j, 1));
}

template <class W>
void check_weights(const Eigen::DenseBase<W>& weights, Index samples, const char* who) {
  const W& w = weights.derived();
  if (w.size() == 0) return;
  if (w.size() != samples) throw_unequal(who, samples, " weights, one for each sample", w.size());
  for (Index j = 0; j < samples; ++j) {
    if (!(w(j) >= 0 && std::isfinite(w(j)))) {
      raise<std::invalid_argument>({who, ": expected a finite weight >= 0, found ", w(j), " for sample ", j});
    }
  }
}

template <class W>
double sum_of_weights(const W& w) {
  double sum = 0;
  for (Index j = 0; j < w.size(); ++j) sum += static_cast<double>(w(j));
  return sum;
}

// The denominator of the mean: the number of samples, or the sum of their weights.
template <class L, class T, class W>
double batch_weight(const L& loss, const T& t, const W& w) {
  if constexpr (may_have_weights<W>) {
    if (w.size() != 0) {
      double sum = 0;
      for (Index j = 0; j < w.size(); ++j)
        sum = multiply_add(static_cast<double>(w(j)), batch_weight(loss, targets_of(t, j), NoWeights{}), sum);
      return sum;
    }
  }
  if constexpr (requires { loss.weight(t); }) return loss.weight(t);
  else return static_cast<double>(sample_count(t));
}

// sum_j f(j, w_j c_j / sum_k w_k c_k). If all weights are 0, so is each quotient.
template <class S, class L, class T, class W, class F>
S weighted_mean(const L& loss, const T& t, const W& w, F&& f) {
  const double all = batch_weight(loss, t, w);
  S sum = 0;
  for (Index j = 0; j < w.size(); ++j) {
    const double weight = static_cast<double>(w(j)) * batch_weight(loss, targets_of(t, j), NoWeights{});
    sum += f(j, static_cast<S>(all > 0 ? weight / all : 0));
  }
  return sum;
}

template <class L, class Y, class T, class W>
typename Y::Scalar mean_loss(const L& loss, const Y& y, const T& t, const W& w) {
  if constexpr (may_have_weights<W>) {
    if (w.size() != 0) {
      return weighted_mean<typename Y::Scalar>(loss, t, w, [&](Index j, auto share) {
        return rounded_product(share, loss.value(outputs_of(y, j), targets_of(t, j)));
      });
    }
  }
  return loss.value(y, t);
}

template <class L, class Y, class T, class W>
typename Y::Scalar mean_loss_and_gradient(const L& loss, const Y& y, const T& t, const W& w, auto& dy) {
  if constexpr (may_have_weights<W>) {
    if (w.size() != 0) {
      return weighted_mean<typename Y::Scalar>(loss, t, w, [&](Index j, auto share) {
        auto dy_j = outputs_of(dy, j);
        const auto value =
            mean_loss_and_gradient(loss, outputs_of(y, j), targets_of(t, j), NoWeights{}, dy_j);
        dy_j *= share;
        return rounded_product(share, value);
      });
    }
  }
  if constexpr (requires { loss.value_and_gradient(y, t, dy); }) {
    return loss.value_and_gradient(y, t, dy);
  } else {
    const auto value = loss.value(y, t);
    loss.gradient(y, t, dy);
    return value;
  }
}

// The share of samples that are predicted right, by the weights of the samples without those of the classes; nan if
// the loss does not define it.
template <class L, class Y, class T, class W>
typename Y::Scalar accuracy(const L& loss, const Y& y, const T& t, const W& w) {
  if constexpr (may_have_weights<W>) {
    if (w.size() != 0) {
      constexpr struct {
      } no_class_weights;
      return weighted_mean<typename Y::Scalar>(no_class_weights, t, w, [&](Index j, auto share) {
        return rounded_product(share, accuracy(loss, outputs_of(y, j), targets_of(t, j), NoWeights{}));
      });
    }
  }
  if constexpr (requires { loss.accuracy(y, t); }) return loss.accuracy(y, t);
  else return std::numeric_limits<typename Y::Scalar>::quiet_NaN();
}

}  // namespace mlp::inline MLP_ABI::detail
