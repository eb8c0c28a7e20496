#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/data/byte_matrix.hpp>

#include <cmath>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlp::inline MLP_ABI {

namespace detail {

template <class Target>
struct default_scalar : std::type_identity<typename Target::Scalar> {};
template <>
struct default_scalar<Labels> : std::type_identity<float> {};

// Copies the samples first[0], ..., first[count - 1] of `from` to `to`, in that order.
template <class T>
void gather(const Eigen::PlainObjectBase<T>& from, const Index* first, Index count, T& to) {
  if constexpr (T::ColsAtCompileTime == 1) {  // labels, weights
    to.resize(count);
    for (Index j = 0; j < count; ++j) to(j) = from(first[j]);
  } else {
    to.resize(from.rows(), count);
    for (Index j = 0; j < count; ++j) to.col(j) = from.col(first[j]);
  }
}

template <class S>
void gather(const ByteMatrix<S>& from, const Index* first, Index count, Matrix<S>& to) {
  to.resize(from.rows(), count);
  for (Index j = 0; j < count; ++j) from.copy_column(first[j], to.col(j));
}
template <class S>
void gather(const ByteMatrix<S>& from, const Index* first, Index count, ByteMatrix<S>& to) {
  typename ByteMatrix<S>::Bytes bytes;
  gather(from.bytes(), first, count, bytes);
  to = ByteMatrix<S>(std::move(bytes), from.divisor());
}

}  // namespace detail

/// Samples, their targets, and a weight for each sample where samples do not all count the same.
/// Shapes: x inputs x N, a Matrix<S> or a ByteMatrix<S>; t N labels, or a matrix of outputs x N; weights N, or
/// empty.
template <class Target = Labels, class S = typename detail::default_scalar<Target>::type, class X = Matrix<S>>
struct Dataset {
  using Batch = Dataset<Target, S>;  // some of the samples, as numbers

  X x;
  Target t;
  Vector<S> weights = {};

  Index size() const { return x.cols(); }
};

template <class X, class T, class... W>
Dataset(const X&, const T&, const W&...)
    -> Dataset<std::conditional_t<detail::is_labels<T>, Labels, Matrix<typename T::Scalar>>,
               typename X::Scalar>;
template <class S, class T, class... W>
Dataset(const ByteMatrix<S>&, const T&, const W&...)
    -> Dataset<std::conditional_t<detail::is_labels<T>, Labels, Matrix<typename T::Scalar>>, S,
               ByteMatrix<S>>;

namespace detail {

// The same for samples with their targets and weights.
template <class Target, class S, class From, class To>
void gather(const Dataset<Target, S, From>& from, const Index* first, Index count,
            Dataset<Target, S, To>& to) {
  gather(from.x, first, count, to.x);
  gather(from.t, first, count, to.t);
  if (from.weights.size() > 0) gather(from.weights, first, count, to.weights);
}

// Returns f(x, t, weights) for the samples [begin, begin + count), views of them unless they are bytes; weights
// are empty if data has none.
template <class Target, class S, class X, class F>
decltype(auto) with_samples(const Dataset<Target, S, X>& data, Index begin, Index count, F&& f) {
  const auto x = data.x.middleCols(begin, count);
  const auto w =
      data.weights.segment(data.weights.size() > 0 ? begin : 0, data.weights.size() > 0 ? count : 0);
  if constexpr (is_labels<Target>) return f(x, data.t.segment(begin, count), w);
  else return f(x, data.t.middleCols(begin, count), w);
}

}  // namespace detail

/// Checks a dataset before its use; the messages begin with `who`.
/// Errors: std::invalid_argument if there are no samples, if their number and that of the targets differ, or
/// if there are weights of another number, negative, not finite, or all 0.
template <class Target, class S, class X>
void check_dataset(const Dataset<Target, S, X>& data, const char* who) {
  if (data.size() == 0)
    detail::raise<std::invalid_argument>({who, ": expected at least one sample, found none"});
  if (const Index targets = detail::sample_count(data.t); targets != data.size()) {
    detail::raise<std::invalid_argument>(
        {who, ": expected a target for each of ", data.size(), " samples, found ", targets});
  }
  detail::check_weights(data.weights, data.size(), who);
  if (data.weights.size() > 0 && data.weights.isZero(S(0)))
    detail::raise<std::invalid_argument>({who, ": expected a sample with a weight > 0, found none"});
}

/// Splits the samples at random into a first part of round(fraction * N) samples and a second part of the
/// others, both in random order.
/// Errors: std::invalid_argument if fraction is not in [0, 1], and as for check_dataset.
template <class Target, class S, class X>
std::pair<Dataset<Target, S, X>, Dataset<Target, S, X>> split(const Dataset<Target, S, X>& data,
                                                              double fraction, Rng& rng) {
  if (!(fraction >= 0 && fraction <= 1)) {
    detail::raise<std::invalid_argument>({"split: expected a fraction in [0, 1], found ", fraction});
  }
  check_dataset(data, "split");
  std::vector<Index> order(static_cast<std::size_t>(data.size()));
  std::iota(order.begin(), order.end(), Index{0});
  rng.shuffle(order);

  const auto first_count = static_cast<Index>(std::llround(fraction * static_cast<double>(data.size())));
  std::pair<Dataset<Target, S, X>, Dataset<Target, S, X>> parts;
  detail::gather(data, order.data(), first_count, parts.first);
  detail::gather(data, order.data() + first_count, data.size() - first_count, parts.second);
  return parts;
}

}  // namespace mlp::inline MLP_ABI
