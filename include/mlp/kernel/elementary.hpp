#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/multiply_add.hpp>

#include <bit>
#include <cstdint>
#include <numbers>
#include <type_traits>

/// exp, expm1, tanh and sigmoid of arrays of fixed size, such as tiles, on Eigen's packets. Each is a fixed
/// sequence of operations without branches, so that a coefficient's result depends on its value alone.
///
/// All start from  x = n ln 2 + r,  n an integer,  |r| <= ln(2) / 2,  and from  q = e^r - 1,  a polynomial:
///   e^x = 2^n (1 + q)    e^x - 1 = 2^n q + (2^n - 1)    e^x + 1 = 2^n q + (2^n + 1)
/// Largest errors found, in units of the last place, in float / double: exp 1.0 / 1.0, expm1 0.9 / 1.2,
/// tanh 1.9 / 2.1, sigmoid 1.7 / 1.7. A sigmoid below the smallest normal number may be 0.
namespace mlp {

namespace detail {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a vector register's type as a template argument

template <class P>
using scalar_of = typename Eigen::internal::unpacket_traits<P>::type;

// A packet of equal coefficients.
template <class P>
EIGEN_STRONG_INLINE P constant(double value) {
  return Eigen::internal::pset1<P>(static_cast<scalar_of<P>>(value));
}

// ln2_high has so few digits that its products with n are exact.
template <class S>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr int digits = 23;       // of the mantissa
  static constexpr double bias = 127;     // of the exponent
  static constexpr double zero_at = -88;  // 2^n becomes 0 here, which is a normal number's limit
  static constexpr double lowest = -104, highest = 89;  // e^x is 0 below, infinite above
  static constexpr double ln2_high = 0x1.62e4p-1, ln2_low = 0x1.7f7d1cp-20;
};
template <>
struct ExpConstants<double> {
  static constexpr int digits = 52;
  static constexpr double bias = 1023;
  static constexpr double zero_at = -746;
  static constexpr double lowest = -746, highest = 710;
  static constexpr double ln2_high = 0x1.62e42fefa4p-1, ln2_low = -0x1.8432a1b0e2634p-43;
};

// 3/2 2^digits + bias: a number that is added to a small x is rounded to an integer, which stands in the last
// digits of the sum, and there as the exponent of a power of two.
template <class S>
inline constexpr double rounder =
    1.5 * static_cast<double>(std::uint64_t{1} << ExpConstants<S>::digits) + ExpConstants<S>::bias;

// 2^n from n + rounder. In float n must lie in [-127, 127], and 2^-127 is 0.
template <class P>
EIGEN_STRONG_INLINE P power_of_two(const P& n_plus_rounder) {
  using namespace Eigen::internal;
  using S = scalar_of<P>;
  if constexpr (sizeof(S) == sizeof(double)) {
    return pldexp(constant<P>(1), psub(n_plus_rounder, constant<P>(rounder<S>)));
  } else if constexpr (std::is_same_v<P, S>) {
    return std::bit_cast<S>(std::bit_cast<std::uint32_t>(n_plus_rounder) << ExpConstants<S>::digits);
  } else {
    using Integers = typename unpacket_traits<P>::integer_packet;
    return preinterpret<P>(
        plogical_shift_left<ExpConstants<S>::digits>(preinterpret<Integers>(n_plus_rounder)));
  }
}

// q = e^r - 1 for |r| <= ln(2) / 2.
// Coefficients: Sollya's fpminimax for (e^r - 1 - r) / r^2 on |r| <= 0.3469, the first one fixed at 1/2, for the
// least relative error of q, 1.2e-2 and 4.6e-3 units of the last place (tests/kernel/elementary.sollya).
template <class P>
EIGEN_STRONG_INLINE P expm1_of_remainder(const P& r) {
  using Eigen::internal::pmul;
  const auto add_product = [](const P& a, const P& b, const P& c) { return multiply_add<P>(a, b, c); };
  // Two coefficients at a time, c r + d, so that few operations wait for each other.
  const auto line = [&](double c, double d) { return add_product(constant<P>(c), r, constant<P>(d)); };
  const P r2 = pmul(r, r);
  P sum;
  if constexpr (sizeof(scalar_of<P>) == sizeof(float)) {
    sum = add_product(line(0x1.a262a4p-13, 0x1.6d2e2ap-10), r2, line(0x1.110ff4p-7, 0x1.555502p-5));
    sum = add_product(sum, r2, line(0x1.555556p-3, 0.5));
  } else {
    const P r4 = pmul(r2, r2),
            high = add_product(constant<P>(0x1.1f33231588753p-29), r2,
                               line(0x1.af4f07d7f9975p-26, 0x1.27e500d1f7ee9p-22)),
            middle = add_product(line(0x1.71de0192ff507p-19, 0x1.a01a0197bcfdbp-16), r2,
                                 line(0x1.a01a01ac2497ep-13, 0x1.6c16c16c18939p-10)),
            low = add_product(line(0x1.1111111110049p-7, 0x1.5555555555552p-5), r2,
                              line(0x1.5555555555557p-3, 0.5));
    sum = add_product(add_product(high, r4, middle), r4, low);
  }
  return add_product(sum, r2, r);
}

inline constexpr double log2_of_e = 0x1.71547652b82fep0;

template <class P>
struct ReducedExponent {
  P n_plus_rounder, n, q;
};

template <class P>
EIGEN_STRONG_INLINE ReducedExponent<P> reduce_exponent(const P& x) {
  using Constants = ExpConstants<scalar_of<P>>;
  const P to_integer = constant<P>(rounder<scalar_of<P>>),
          n_plus_rounder = multiply_add<P>(x, constant<P>(log2_of_e), to_integer),
          n = Eigen::internal::psub(n_plus_rounder, to_integer),
          high = multiply_add<P>(n, constant<P>(-Constants::ln2_high), x),
          r = multiply_add<P>(n, constant<P>(-Constants::ln2_low), high);
  return {n_plus_rounder, n, expm1_of_remainder<P>(r)};
}

struct ExpFunction {
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    using namespace Eigen::internal;
    using S = scalar_of<P>;
    using Constants = ExpConstants<S>;
    const auto [unused, n, q] =
        reduce_exponent<P>(pmax(pmin(x, constant<P>(Constants::highest)), constant<P>(Constants::lowest)));
    const P y = padd(q, constant<P>(1));
    if constexpr (sizeof(S) == sizeof(double)) {
      return pldexp(y, n);
    } else {  // 2^n leaves the normal numbers: two factors
      const P half = multiply_add<P>(n, constant<P>(0.5), constant<P>(rounder<S>)),
              rest = padd(psub(n, psub(half, constant<P>(rounder<S>))), constant<P>(rounder<S>));
      return pmul(pmul(y, power_of_two<P>(half)), power_of_two<P>(rest));
    }
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return z.exp();
  }
};

struct Expm1Function {
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    using namespace Eigen::internal;
    const auto [n_plus_rounder, unused, q] =
        reduce_exponent<P>(pmax(pmin(x, constant<P>(0)), constant<P>(-40)));  // -1 is reached before
    const P power = power_of_two<P>(n_plus_rounder);
    return multiply_add<P>(q, power, psub(power, constant<P>(1)));
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return z.min(0).expm1();
  }
};

struct TanhFunction {
  // tanh|x| = (1 - e) / (1 + e) with e = exp(-2|x|). The error of r counts little where n is not 0, so that ln 2
  // need not be more precise than its type.
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    using namespace Eigen::internal;
    const P to_integer = constant<P>(rounder<scalar_of<P>>),
            a = pmin(pabs(x), constant<P>(20)),  // +-1 is reached before
        n_plus_rounder = multiply_add<P>(a, constant<P>(-2 * log2_of_e), to_integer),
            n = psub(n_plus_rounder, to_integer),
            q = expm1_of_remainder<P>(
                multiply_add<P>(n, constant<P>(-std::numbers::ln2), pmul(a, constant<P>(-2)))),
            power = power_of_two<P>(n_plus_rounder), one = constant<P>(1);
    const P y = pdiv(multiply_add<P>(q, pnegate(power), psub(one, power)),
                     multiply_add<P>(q, power, padd(one, power)));
    return por(y, pand(x, constant<P>(-0.0)));  // with the sign of x
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return z.tanh();
  }
};

struct SigmoidFunction {
  // 1 / (1 + exp(-x)). Where 1 + 2^n is not exact, x < -digits ln 2, it is e - e^2 with e = exp(x).
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    using namespace Eigen::internal;
    using Constants = ExpConstants<scalar_of<P>>;
    const P is_far = pcmp_lt(x, constant<P>(-0.69 * Constants::digits));
    const auto [n_plus_rounder, unused, q] =
        reduce_exponent<P>(pmax(pselect(is_far, x, pnegate(x)), constant<P>(Constants::zero_at)));
    const P power = power_of_two<P>(n_plus_rounder), e = multiply_add<P>(q, power, power);
    return pselect(is_far, multiply_add<P>(pnegate(e), e, e),
                   pdiv(constant<P>(1), multiply_add<P>(q, power, padd(power, constant<P>(1)))));
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return 1 / (1 + (-z).exp());
  }
};

// f of each coefficient. Scalars other than float and double (long double, Dual) take Eigen's functions.
template <class F, class Z>
EIGEN_STRONG_INLINE typename Z::PlainObject element_wise(const F& f, const Eigen::ArrayBase<Z>& z) {
  using S = typename Z::Scalar;
  constexpr int size = Z::SizeAtCompileTime;
  static_assert(size != Dynamic, "mlp: elementary functions take arrays of fixed size, such as tiles");
  typename Z::PlainObject y = z;
  if constexpr (std::is_same_v<S, float> || std::is_same_v<S, double>) {
    using Widest = typename Eigen::internal::packet_traits<S>::type;
    using P = std::conditional_t<size % packet_size<Widest> == 0, Widest, S>;
    for (int i = 0; i < size; i += packet_size<P>) {
      Eigen::internal::pstoreu(y.data() + i, f(Eigen::internal::ploadu<P>(y.data() + i)));
    }
  } else {
    y = typename Z::PlainObject(F::by_eigen(y));
  }
  return y;
}

#pragma GCC diagnostic pop

}  // namespace detail

/// Element-wise functions of arrays of fixed size, such as the tiles that an activation's forward and backward get.
namespace elementary {

/// e^z
template <class Z>
EIGEN_STRONG_INLINE auto exp(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::ExpFunction{}, z);
}

/// e^z - 1 for z <= 0, without cancellation; 0 for z > 0.
template <class Z>
EIGEN_STRONG_INLINE auto expm1_of_negative(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::Expm1Function{}, z);
}

/// tanh(z)
template <class Z>
EIGEN_STRONG_INLINE auto tanh(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::TanhFunction{}, z);
}

/// The logistic function, 1 / (1 + e^-z)
template <class Z>
EIGEN_STRONG_INLINE auto sigmoid(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::SigmoidFunction{}, z);
}

}  // namespace elementary

}  // namespace mlp
