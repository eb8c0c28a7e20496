#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

/// Samples that count more than others, with any loss:
///   L = sum_j w_j l_j / sum_j w_j, where l_j is the loss of sample j alone,
/// so that a weight of 2 is the same as the sample given twice. A loss is shown single samples, and need not
/// know of weights. An empty vector of weights stands for all alike.
///
/// A loss may weigh samples itself, by their class. Its mean over a batch is then sum_j c_j l_j / sum_j c_j, its
/// member weight(t) returns sum_j c_j, and sample j weighs w_j c_j in all.
namespace mlp::detail {

// In the place of weights, where there are none.
struct Unweighted {};

template <class T>
Index sample_count(const T& t) {
  if constexpr (is_labels<T>) return t.size();
  else return t.cols();
}

// Sample j alone, as a batch of one: of the same type as a batch of any size, so that a loss is compiled once.
template <class Y>
auto outputs_of(Y& y, Index j) {
  return matrix_view<Y::RowsAtCompileTime, Dynamic>(y.data() + j * y.colStride(), y.rows(), 1);
}
template <class T>
auto targets_of(const T& t, Index j) {
  if constexpr (is_labels<T>) return Eigen::Map<const Vector<typename T::Scalar>>(t.data() + j, 1);
  else return dense_view<T::RowsAtCompileTime, Dynamic>(t.middleCols(j, 1));
}

inline void check_weights(Unweighted, Index, const char*) {}
template <class W>
void check_weights(const Eigen::DenseBase<W>& weights, Index samples, const char* who) {
  const W& w = weights.derived();
  if (w.size() == 0) return;
  if (w.size() != samples) throw_unequal(who, samples, " weights, one for each sample", w.size());
  for (Index j = 0; j < samples; ++j) {
    if (!(w(j) >= 0 && std::isfinite(w(j)))) {
      raise<std::invalid_argument>(std::string(who) + ": expected a finite weight >= 0, found " +
                                   std::to_string(w(j)) + " for sample " + std::to_string(j));
    }
  }
}

// The mean loss of a batch times this is the sum that it is the mean of.
template <class L, class T>
double batch_weight(const L& loss, const T& t, Unweighted) {
  if constexpr (requires { loss.weight(t); }) return loss.weight(t);
  else return static_cast<double>(sample_count(t));
}
template <class L, class T, class W>
double batch_weight(const L& loss, const T& t, const W& w) {
  if (w.size() == 0) return batch_weight(loss, t, Unweighted{});
  double sum = 0;
  for (Index j = 0; j < w.size(); ++j)
    sum += static_cast<double>(w(j)) * batch_weight(loss, targets_of(t, j), Unweighted{});
  return sum;
}

// sum_j f(j, share of sample j in the mean), all shares 0 where nothing weighs anything.
template <class S, class L, class T, class W, class F>
S weighted_mean(const L& loss, const T& t, const W& w, F&& f) {
  const double all = batch_weight(loss, t, w);
  S sum = 0;
  for (Index j = 0; j < w.size(); ++j) {
    const double weight = static_cast<double>(w(j)) * batch_weight(loss, targets_of(t, j), Unweighted{});
    sum += f(j, static_cast<S>(all > 0 ? weight / all : 0));
  }
  return sum;
}

template <class L, class Y, class T>
typename Y::Scalar mean_loss(const L& loss, const Y& y, const T& t, Unweighted) {
  return loss.value(y, t);
}
template <class L, class Y, class T, class W>
typename Y::Scalar mean_loss(const L& loss, const Y& y, const T& t, const W& w) {
  if (w.size() == 0) return loss.value(y, t);
  return weighted_mean<typename Y::Scalar>(loss, t, w, [&](Index j, auto share) {
    return share * loss.value(outputs_of(y, j), targets_of(t, j));
  });
}

template <class L, class Y, class T>
typename Y::Scalar mean_loss_and_gradient(const L& loss, const Y& y, const T& t, Unweighted, auto& dy) {
  if constexpr (requires { loss.value_and_gradient(y, t, dy); }) {
    return loss.value_and_gradient(y, t, dy);
  } else {
    const auto value = loss.value(y, t);
    loss.gradient(y, t, dy);
    return value;
  }
}
template <class L, class Y, class T, class W>
typename Y::Scalar mean_loss_and_gradient(const L& loss, const Y& y, const T& t, const W& w, auto& dy) {
  if (w.size() == 0) return mean_loss_and_gradient(loss, y, t, Unweighted{}, dy);
  return weighted_mean<typename Y::Scalar>(loss, t, w, [&](Index j, auto share) {
    auto dy_j = outputs_of(dy, j);
    const auto value = mean_loss_and_gradient(loss, outputs_of(y, j), targets_of(t, j), Unweighted{}, dy_j);
    dy_j *= share;
    return share * value;
  });
}

// The share of samples predicted right, by their weights alone; nan if the loss defines none.
template <class L, class Y, class T>
typename Y::Scalar accuracy(const L& loss, const Y& y, const T& t, Unweighted) {
  if constexpr (requires { loss.accuracy(y, t); }) return loss.accuracy(y, t);
  else return std::numeric_limits<typename Y::Scalar>::quiet_NaN();
}
template <class L, class Y, class T, class W>
typename Y::Scalar accuracy(const L& loss, const Y& y, const T& t, const W& w) {
  if (w.size() == 0) return accuracy(loss, y, t, Unweighted{});
  constexpr struct {
  } no_class_weights;
  return weighted_mean<typename Y::Scalar>(no_class_weights, t, w, [&](Index j, auto share) {
    return share * accuracy(loss, outputs_of(y, j), targets_of(t, j), Unweighted{});
  });
}

}  // namespace mlp::detail
