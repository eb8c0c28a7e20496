#pragma once

#include <mlp/base/bit_cast.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

/// The functions of activations and losses for arrays of fixed size, such as tiles, on Eigen's packets. Each is
/// a fixed sequence of operations without branches, so that a coefficient's result depends on its value alone,
/// with the same bits by every compiler and on every processor that has fused multiply-add.
///
/// exp, expm1, tanh and sigmoid start from  x = n ln 2 + r,  n an integer,  |r| <= ln(2) / 2,  and from
/// q = e^r - 1,  a polynomial:
///   e^x = 2^n (1 + q)    e^x - 1 = 2^n q + (2^n - 1)    e^x + 1 = 2^n q + (2^n + 1)
/// log starts from  x = 2^n m,  sqrt(1/2) <= m < sqrt(2).
/// Largest errors found, in units of the last place, in float / double: exp 1.0 / 1.0, expm1 0.9 / 1.2,
/// tanh 1.9 / 2.1, sigmoid 1.7 / 1.7, log 0.9 / 0.9, log1p 1.0 / 1.0, normal_cdf 3.9 / 4.7. A sigmoid below the
/// smallest normal number may be 0.
namespace mlp::inline MLP_ABI {

namespace detail {

MLP_BEGIN_PACKETS

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
    return detail::bit_cast<S>(detail::bit_cast<std::uint32_t>(n_plus_rounder) << ExpConstants<S>::digits);
  } else {
    using Integers = typename unpacket_traits<P>::integer_packet;
    return preinterpret<P>(
        plogical_shift_left<ExpConstants<S>::digits>(preinterpret<Integers>(n_plus_rounder)));
  }
}

// q = e^r - 1 for |r| <= ln(2) / 2.
// Coefficients: Sollya's fpminimax for (e^r - 1 - r) / r^2 on |r| <= 0.3469, the first one fixed at 1/2, for the
// least relative error of q, 1.2e-2 and 4.6e-3 units of the last place (tests/base/elementary.sollya).
template <class P>
EIGEN_STRONG_INLINE P expm1_of_remainder(const P& r) {
  using Eigen::internal::pmul;
  const auto add_product = [](const P& a, const P& b, const P& c) { return packet_multiply_add<P>(a, b, c); };
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
          n_plus_rounder = packet_multiply_add<P>(x, constant<P>(log2_of_e), to_integer),
          n = Eigen::internal::psub(n_plus_rounder, to_integer),
          high = packet_multiply_add<P>(n, constant<P>(-Constants::ln2_high), x),
          r = packet_multiply_add<P>(n, constant<P>(-Constants::ln2_low), high);
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
      const P half = packet_multiply_add<P>(n, constant<P>(0.5), constant<P>(rounder<S>)),
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
    return packet_multiply_add<P>(q, power, psub(power, constant<P>(1)));
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return (z.min)(0).expm1();
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
        n_plus_rounder = packet_multiply_add<P>(a, constant<P>(-2 * log2_of_e), to_integer),
            n = psub(n_plus_rounder, to_integer),
            q = expm1_of_remainder<P>(
                packet_multiply_add<P>(n, constant<P>(-std::numbers::ln2), pmul(a, constant<P>(-2)))),
            power = power_of_two<P>(n_plus_rounder), one = constant<P>(1);
    const P y = pdiv(packet_multiply_add<P>(q, pnegate(power), psub(one, power)),
                     packet_multiply_add<P>(q, power, padd(one, power)));
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
    const P power = power_of_two<P>(n_plus_rounder), e = packet_multiply_add<P>(q, power, power);
    return pselect(is_far, packet_multiply_add<P>(pnegate(e), e, e),
                   pdiv(constant<P>(1), packet_multiply_add<P>(q, power, padd(power, constant<P>(1)))));
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return 1 / (1 + (-z).exp());
  }
};

// The polynomial of x with these coefficients, the highest power's first.
template <class P>
EIGEN_STRONG_INLINE P polynomial(const P& x, double first, auto... coefficients) {
  P sum = constant<P>(first);
  ((sum = packet_multiply_add<P>(sum, x, constant<P>(coefficients))), ...);
  return sum;
}

// log(1 + f) for 1 + f in [sqrt(1/2), 2]. With s = f / (2 + f) it is 2 atanh(s) = f - s (f - s^2 Q(s^2)).
// Coefficients of Q: Sollya's fpminimax for (2 atanh(s) - 2 s) / s^3 on 0 <= s <= 1/3, for the least relative
// error, 4.7e-3 and 4.3e-2 units of the last place of the logarithm (tests/base/elementary.sollya).
template <class P>
EIGEN_STRONG_INLINE P log_of_one_plus(const P& f) {
  using namespace Eigen::internal;
  const P s = pdiv(f, padd(f, constant<P>(2))), s2 = pmul(s, s);
  P q;
  if constexpr (sizeof(scalar_of<P>) == sizeof(float)) {
    q = polynomial<P>(s2, 0x1.e1225ap-3, 0x1.bb313ep-3, 0x1.24d76cp-2, 0x1.999866p-2, 0x1.555556p-1);
  } else {
    q = polynomial<P>(s2, 0x1.4adf430f1b764p-3, 0x1.68af4d7a34939p-4, 0x1.eb82def21bba3p-4,
                      0x1.10ad642a167c4p-3, 0x1.3b189f3a282ddp-3, 0x1.745cf1a269aap-3, 0x1.c71c726a613b4p-3,
                      0x1.24924923e1da2p-2, 0x1.999999999a259p-2, 0x1.5555555555555p-1);
  }
  return packet_multiply_add<P>(pnegate(s), packet_multiply_add<P>(pnegate(s2), q, f), f);
}

struct LogFunction {
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    using namespace Eigen::internal;
    using S = scalar_of<P>;
    using Constants = ExpConstants<S>;
    // x = 2^n m with m in [sqrt(1/2), sqrt(2))
    P n, m = pfrexp(x, n);
    const P one = constant<P>(1), zero = constant<P>(0),
            infinity = constant<P>(std::numeric_limits<double>::infinity()),
            is_small = pcmp_lt(m, constant<P>(std::numbers::sqrt2 / 2));
    n = psub(n, pselect(is_small, one, zero));
    m = padd(m, pselect(is_small, m, zero));
    const P y = packet_multiply_add<P>(
        n, constant<P>(Constants::ln2_high),
        packet_multiply_add<P>(n, constant<P>(Constants::ln2_low), log_of_one_plus<P>(psub(m, one))));
    const P others =
        pselect(pcmp_eq(x, zero), pnegate(infinity),
                pselect(pcmp_eq(x, infinity), x, constant<P>(std::numeric_limits<double>::quiet_NaN())));
    return pselect(pand(pcmp_lt(zero, x), pcmp_lt(x, infinity)), y, others);
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return z.log();
  }
};

struct Log1pFunction {
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    return log_of_one_plus<P>(x);
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return z.log1p();
  }
};

// The tail of the normal distribution, with t = |x| and u = (t - k) / (t + k):
//   Phi(-t) = exp(-t^2 / 2) T(u) / (1 + c t)
// Coefficients of T: Sollya's fpminimax for the least relative error, 0.58 and 0.67 units of the last place
// (tests/base/elementary.sollya).
struct NormalCdfFunction {
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    using namespace Eigen::internal;
    using S = scalar_of<P>;
    constexpr bool is_float = sizeof(S) == sizeof(float);
    const P k = constant<P>(is_float ? 4 : 5.5), one = constant<P>(1),
            t = pmin(pabs(x), constant<P>(is_float ? 14.5 : 39)), u = pdiv(psub(t, k), padd(t, k));
    P tail;
    if constexpr (is_float) {
      tail = polynomial<P>(u, -0x1.e1c46ep-14, -0x1.f097e4p-14, 0x1.d0ece6p-11, -0x1.08e4bp-11, -0x1.a0848p-8,
                           0x1.921758p-6, -0x1.88f8f2p-5, 0x1.b7b94p-5, -0x1.bd777ep-7, -0x1.40a26ep-4,
                           0x1.22078cp-1);
    } else {
      tail = polynomial<P>(
          u, -0x1.50b872d9a6de8p-30, -0x1.334eaf6e0a88bp-28, 0x1.139d20a6a647cp-27, 0x1.695b60d5dcfc8p-25,
          -0x1.fc25b4c95496dp-25, -0x1.206bbe6ec8995p-22, 0x1.42f74952efe7dp-21, 0x1.5cdb1720344abp-20,
          -0x1.9cf8bb38bcc41p-18, 0x1.5e99bbf2e7d6fp-25, 0x1.a1f88bf903f06p-15, -0x1.0044a7cff5b5fp-13,
          -0x1.7281d3cf77fcep-14, 0x1.88a2c591ea508p-10, -0x1.74bbdc47f606fp-8, 0x1.cea061d79f25bp-7,
          -0x1.aefde9f1a5e81p-6, 0x1.35df635d3566ap-5, -0x1.482d67db8c0dep-5, 0x1.7d79e1656dc5ep-6,
          0x1.1e86a8607928fp-6, -0x1.3c7af8b9121c2p-4, 0x1.1b9f2a81050cep-1);
    }
    tail = pdiv(tail, packet_multiply_add<P>(t, constant<P>(1.25), one));
    // The rounding error of t^2 would count t^2 / 2 times in its exponential. It is found without a fused
    // multiply-add, from the halves of t's digits, whose products are exact.
    const P square = packet_multiply_add<P>(t, t, constant<P>(-0.0)),
            high = pand(t, upper_half_of_digits<P>()), low = psub(t, high),
            error = padd(padd(psub(pmul(high, high), square), pmul(padd(high, high), low)), pmul(low, low)),
            e = ExpFunction{}(pmul(square, constant<P>(-0.5))),
            bell = packet_multiply_add<P>(e, pmul(error, constant<P>(-0.5)), e);
    return pselect(pcmp_lt(x, constant<P>(0)), pmul(tail, bell),
                   packet_multiply_add<P>(pnegate(tail), bell, one));
  }
  template <class P>
  static P upper_half_of_digits() {
    if constexpr (sizeof(scalar_of<P>) == sizeof(float)) {
      return Eigen::internal::pset1<P>(detail::bit_cast<float>(std::uint32_t{0xfffff000}));
    } else {
      return Eigen::internal::pset1<P>(detail::bit_cast<double>(std::uint64_t{0xfffffffff8000000}));
    }
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    using S = typename Z::Scalar;
    return z.unaryExpr([](const S& x) {
      using std::erfc;
      return S(S(0.5) * erfc(S(-0.5 * std::numbers::sqrt2) * x));
    });
  }
};

// Rounded once. Eigen's square root of floats is an approximation on x86, from an instruction whose bits AMD's
// and Intel's processors do not agree on; with AVX-512 that of doubles, too.
template <class P>
EIGEN_STRONG_INLINE P packet_sqrt(const P& x) {
  return Eigen::internal::psqrt(x);
}
#ifdef EIGEN_VECTORIZE_SSE
EIGEN_STRONG_INLINE auto packet_sqrt(const Eigen::internal::Packet4f& x) {
  return Eigen::internal::Packet4f(_mm_sqrt_ps(x));
}
#endif
#ifdef EIGEN_VECTORIZE_AVX
EIGEN_STRONG_INLINE auto packet_sqrt(const Eigen::internal::Packet8f& x) {
  return Eigen::internal::Packet8f(_mm256_sqrt_ps(x));
}
#endif
#ifdef EIGEN_VECTORIZE_AVX512
EIGEN_STRONG_INLINE auto packet_sqrt(const Eigen::internal::Packet16f& x) {
  return Eigen::internal::Packet16f(_mm512_sqrt_ps(x));
}
EIGEN_STRONG_INLINE auto packet_sqrt(const Eigen::internal::Packet8d& x) {
  return Eigen::internal::Packet8d(_mm512_sqrt_pd(x));
}
#endif

struct SqrtFunction {
  template <class P>
  EIGEN_STRONG_INLINE P operator()(const P& x) const {
    return packet_sqrt(x);
  }
  template <class Z>
  static auto by_eigen(const Z& z) {
    return z.sqrt();
  }
};

// f of each coefficient. Scalars other than float and double (long double, Dual) take Eigen's functions.
template <class F, class Z>
EIGEN_STRONG_INLINE typename Z::PlainObject element_wise(const F& f, const Eigen::ArrayBase<Z>& z) {
  using S = typename Z::Scalar;
  static_assert(Z::SizeAtCompileTime != Dynamic,
                "mlp: elementary functions take arrays of fixed size, such as tiles");
  if constexpr (std::is_same_v<S, float> || std::is_same_v<S, double>) return by_packets(f, z.derived());
  else return typename Z::PlainObject(F::by_eigen(typename Z::PlainObject(z)));
}

MLP_END_PACKETS

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

/// log(1 + z) for 0 <= z <= 1, without cancellation
template <class Z>
EIGEN_STRONG_INLINE auto log1p_up_to_1(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::Log1pFunction{}, z);
}

/// The natural logarithm: -inf of 0, nan of negative numbers
template <class Z>
EIGEN_STRONG_INLINE auto log(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::LogFunction{}, z);
}
template <class S>
requires(!detail::is_array<S>) S log(const S& x) {
  if constexpr (std::is_same_v<S, float> || std::is_same_v<S, double>) {
    return detail::LogFunction{}(x);
  } else {
    using std::log;
    return log(x);
  }
}

/// The normal distribution function Phi(z), with all its digits where it is small
template <class Z>
EIGEN_STRONG_INLINE auto normal_cdf(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::NormalCdfFunction{}, z);
}

/// The square root, rounded once
template <class Z>
EIGEN_STRONG_INLINE auto sqrt(const Eigen::ArrayBase<Z>& z) {
  return detail::element_wise(detail::SqrtFunction{}, z);
}

/// x^n for n >= 0, by squaring
inline double power(double x, Index n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x) {
    if (n % 2 != 0) result = rounded_product(result, x);
  }
  return result;
}

/// (1 + cos(pi p)) / 2 for p in [0, 1]: 1 at 0, 0 at 1
inline double half_cosine(double p) {
  // sin(pi/2 q)^2 of the distance q from the nearer end: q^2 times a polynomial, whose coefficients are of
  // Sollya's fpminimax (tests/base/elementary.sollya).
  const double q = p < 0.5 ? p : 1 - p, q2 = q * q;
  const double sum =
      detail::polynomial(q2, 0x1.0afd0b9e5609bp-25, -0x1.1b70078780a72p-19, 0x1.b6bd105714454p-15,
                         -0x1.f9d2ff7142711p-11, 0x1.a6d1f17a929cfp-7, -0x1.e1f5068650395p-4,
                         0x1.55d3c7e3c866ap-1, -0x1.03c1f081b5a81p1, 0x1.3bd3cc9be45dep1);
  return p < 0.5 ? multiply_add(-q2, sum, 1.) : rounded_product(q2, sum);
}

}  // namespace elementary

}  // namespace mlp::inline MLP_ABI
