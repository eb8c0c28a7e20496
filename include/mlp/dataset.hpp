#pragma once

#include <mlp/random.hpp>
#include <mlp/types.hpp>

#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace mlp {

namespace detail {

template <class Target>
struct default_scalar : std::type_identity<typename Target::Scalar> {};
template <>
struct default_scalar<Labels> : std::type_identity<float> {};

template <class T>
Index sample_count(const T& t) {
  if constexpr (is_labels<T>) return t.size();
  else return t.cols();
}

// to = the samples of `from` at the given places, in that order.
template <class T>
void gather(const T& from, const Index* first, Index count, T& to) {
  if constexpr (is_labels<T>) {
    to.resize(count);
    for (Index j = 0; j < count; ++j) to(j) = from(first[j]);
  } else {
    to.resize(from.rows(), count);
    for (Index j = 0; j < count; ++j) to.col(j) = from.col(first[j]);
  }
}

}  // namespace detail

/// Samples and their targets.
/// Shapes: x inputs x N; t N labels, or a matrix of outputs x N.
template <class Target = Labels, class S = typename detail::default_scalar<Target>::type>
struct Dataset {
  Matrix<S> x;
  Target t;

  Index size() const { return x.cols(); }
};

template <class X, class T>
Dataset(const X&, const T&)
    -> Dataset<std::conditional_t<detail::is_labels<T>, Labels, Matrix<typename T::Scalar>>,
               typename X::Scalar>;

/// Errors: std::invalid_argument, in the name of `who`, if there are no samples or not one target for each.
template <class Target, class S>
void check_dataset(const Dataset<Target, S>& data, const std::string& who) {
  if (data.size() == 0)
    detail::raise<std::invalid_argument>(who + ": expected at least one sample, found none");
  if (const Index targets = detail::sample_count(data.t); targets != data.size()) {
    detail::raise<std::invalid_argument>(who + ": expected a target for each of " +
                                         std::to_string(data.size()) + " samples, found " +
                                         std::to_string(targets));
  }
}

/// Deals the samples, in random order, into a first part of round(fraction * N) and a second of the others.
/// Errors: std::invalid_argument if fraction is not in [0, 1], or samples and targets differ in number.
template <class Target, class S>
std::pair<Dataset<Target, S>, Dataset<Target, S>> split(const Dataset<Target, S>& data, double fraction,
                                                        Rng& rng) {
  if (!(fraction >= 0 && fraction <= 1)) {
    detail::raise<std::invalid_argument>("split: expected a fraction in [0, 1], found " +
                                         std::to_string(fraction));
  }
  check_dataset(data, "split");
  std::vector<Index> order(static_cast<std::size_t>(data.size()));
  std::iota(order.begin(), order.end(), Index{0});
  rng.shuffle(order);

  const auto first_count = static_cast<Index>(std::llround(fraction * static_cast<double>(data.size())));
  std::pair<Dataset<Target, S>, Dataset<Target, S>> parts;
  detail::gather(data.x, order.data(), first_count, parts.first.x);
  detail::gather(data.t, order.data(), first_count, parts.first.t);
  detail::gather(data.x, order.data() + first_count, data.size() - first_count, parts.second.x);
  detail::gather(data.t, order.data() + first_count, data.size() - first_count, parts.second.t);
  return parts;
}

}  // namespace mlp
