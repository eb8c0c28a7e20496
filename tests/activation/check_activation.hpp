#pragma once

#include <mlp/base/views.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/kernel/tile.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "golden/pytorch.hpp"

/// Checks for every activation.
namespace activation {

using mlp::Index;

template <class F, class Z>
void forward(const F& f, Z&& z) {
  mlp::for_each_tile([&](auto& tile) { f.forward(tile); }, z);
}

template <class F, class Z, class A, class D>
void backward(const F& f, const Z& z, const A& a, D&& delta) {
  if constexpr (F::needs_input) {
    mlp::for_each_tile(
        [&](const auto& z_i, const auto& a_i, auto& delta_i) { f.backward(z_i, a_i, delta_i); }, z, a, delta);
  } else {
    mlp::for_each_tile([&](const auto& a_i, auto& delta_i) { f.backward(a_i, delta_i); }, a, delta);
  }
}

/// a = f(z) and delta f'(z) against golden numbers: within `ulps` times epsilon, relative to numbers above 1
/// and absolute below. The points are exact in float.
template <class S, class F>
void check_golden(const F& f, const golden::Activation& expected, double ulps) {
  constexpr auto eps = static_cast<double>(std::numeric_limits<S>::epsilon());
  const auto n = static_cast<Index>(std::size(golden::activation_points));
  mlp::Vector<S> z(n), delta(n);
  for (Index i = 0; i < n; ++i) {
    z(i) = static_cast<S>(golden::activation_points[i]);
    delta(i) = i % 3 == 0 ? S(-0.5) : S(2);
  }
  const mlp::Vector<S> input = z, dy = delta;
  forward(f, z);
  backward(f, input, z, delta);
  for (Index i = 0; i < n; ++i) {
    CAPTURE(input(i));
    const auto at = static_cast<std::size_t>(i);
    const double value = expected.values[at],
                 derivative = static_cast<double>(dy(i)) * expected.derivatives[at];
    CHECK(std::abs(static_cast<double>(z(i)) - value) <= ulps * eps * std::max(1., std::abs(value)));
    CHECK(std::abs(static_cast<double>(delta(i)) - derivative) <=
          ulps * eps * std::max(1., std::abs(derivative)));
  }
}

/// Far from 0, where powers and exponentials of z overflow, an activation is the constant `left` on one side
/// and slope * z + right on the other; 4 epsilon allow for the rounding of these numbers and of f.
template <class S, class F>
void check_far(const F& f, double left, double slope, double right = 0) {
  constexpr S far = S(0.9) * std::numeric_limits<S>::max();
  constexpr auto bound = 4 * static_cast<double>(std::numeric_limits<S>::epsilon());
  mlp::Vector<S> z{{-far, far}}, delta{{1, 1}};
  const mlp::Vector<S> input = z;
  forward(f, z);
  backward(f, input, z, delta);
  CHECK(std::abs(static_cast<double>(z(0)) - left) <= bound);
  CHECK(std::abs(static_cast<double>(delta(0))) <= bound);
  const double expected = slope * static_cast<double>(far) + right;
  CHECK(std::abs(static_cast<double>(z(1)) - expected) <= bound * std::max(1., std::abs(expected)));
  CHECK(std::abs(static_cast<double>(delta(1)) - slope) <= bound);
}

/// A NaN stays NaN and affects no other coefficient.
template <class S, class F>
void check_nan(const F& f) {
  mlp::Vector<S> z(19);
  for (Index i = 0; i < z.size(); ++i) z(i) = i % 4 == 2 ? std::numeric_limits<S>::quiet_NaN() : S(1);
  forward(f, z);
  for (Index i = 0; i < z.size(); ++i) {
    CAPTURE(i);
    CHECK(std::isnan(z(i)) == (i % 4 == 2));
  }
}

// Fixed sizes: the coefficients of `data`, pass through Maps of N.
template <int N, class S, class F>
void forward_and_backward(const F& f, std::vector<S>& a, std::vector<S>& delta) {
  const auto n = static_cast<Index>(a.size());
  const std::vector<S> z = a;
  forward(f, mlp::matrix_view<N, 1>(a.data(), n, 1));
  backward(f, mlp::matrix_view<N, 1>(z.data(), n, 1), mlp::matrix_view<N, 1>(std::as_const(a).data(), n, 1),
           mlp::matrix_view<N, 1>(delta.data(), n, 1));
}

/// The same value gives the same bits at every position in arrays of 1 to 40 coefficients, and with static
/// and dynamic sizes.
template <class S, class F>
void check_bits(const F& f) {
  constexpr std::size_t count = 40;
  std::vector<S> values(count), a_alone(count), delta_alone(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<S>(0.37 * static_cast<double>(i) - 7.3);
    std::vector<S> a{values[i]}, delta{S(1)};
    forward_and_backward<mlp::Dynamic>(f, a, delta);
    a_alone[i] = a[0];
    delta_alone[i] = delta[0];
  }
  const auto differences = [&](std::size_t size, std::size_t shift, auto&& pass) {
    std::vector<S> a(size), delta(size, S(1));
    for (std::size_t i = 0; i < size; ++i) a[i] = values[(i + shift) % count];
    pass(a, delta);
    int different = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t from = (i + shift) % count;
      different += std::memcmp(&a[i], &a_alone[from], sizeof(S)) != 0;
      different += std::memcmp(&delta[i], &delta_alone[from], sizeof(S)) != 0;
    }
    return different;
  };
  for (std::size_t size = 1; size <= count; ++size) {
    for (std::size_t shift = 0; shift < count; shift += 7) {
      CAPTURE(size);
      CAPTURE(shift);
      CHECK(differences(size, shift,
                        [&](auto& a, auto& delta) { forward_and_backward<mlp::Dynamic>(f, a, delta); }) == 0);
    }
  }
  CHECK(differences(3, 5, [&](auto& a, auto& delta) { forward_and_backward<3>(f, a, delta); }) == 0);
  CHECK(differences(16, 9, [&](auto& a, auto& delta) { forward_and_backward<16>(f, a, delta); }) == 0);
  CHECK(differences(37, 2, [&](auto& a, auto& delta) { forward_and_backward<37>(f, a, delta); }) == 0);
}

}  // namespace activation
