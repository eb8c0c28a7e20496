#pragma once

#include <mlp/base/compiler.hpp>
#include <mlp/base/types.hpp>

#include <cmath>
#include <type_traits>

namespace mlp::inline MLP_ABI {

namespace detail {

MLP_BEGIN_PACKETS

// A packet is a vector register, or one scalar.
template <class P>
inline constexpr int packet_size = Eigen::internal::unpacket_traits<P>::size;

// Whether the processor has an instruction for a b + c, rounded once.
#if defined(EIGEN_VECTORIZE_FMA) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMAF)
inline constexpr bool has_fused_multiply_add = true;
#else
inline constexpr bool has_fused_multiply_add = false;
#endif

template <class P>
EIGEN_STRONG_INLINE P packet_multiply_add(const P& a, const P& b, const P& c) {
  if constexpr (!std::is_same_v<P, float> && !std::is_same_v<P, double>) {
    return Eigen::internal::pmadd(a, b, c);
  } else if constexpr (has_fused_multiply_add) {
    return std::fma(a, b, c);
  } else {
    return a * b + c;
  }
}

template <class T>
inline constexpr bool is_array = std::is_base_of_v<Eigen::ArrayBase<T>, T>;

// The type of the first array among Z.
template <class... Z>
struct first_array;
template <class A, class... Z>
struct first_array<A, Z...> : first_array<Z...> {};
template <class A, class... Z>
requires is_array<A>
struct first_array<A, Z...> : std::type_identity<typename A::PlainObject> {
};

// Operands of by_packets: arrays, evaluated once, and scalars, which stand for arrays of equal coefficients.
template <class S, class Z>
EIGEN_STRONG_INLINE decltype(auto) as_operand(const Z& z) {
  if constexpr (is_array<Z>) return z.eval();
  else return static_cast<S>(z);
}
template <class P, class Z>
EIGEN_STRONG_INLINE P packet_of(const Z& z, [[maybe_unused]] int i) {
  if constexpr (is_array<Z>) return Eigen::internal::ploadu<P>(z.data() + i);
  else return Eigen::internal::pset1<P>(z);
}

// f(z...) of packets of the coefficients, for arrays of fixed size, of float or double.
template <class F, class... Z>
EIGEN_STRONG_INLINE auto by_packets(const F& f, const Z&... z) {
  using A = typename first_array<Z...>::type;
  using S = typename A::Scalar;
  constexpr int size = A::SizeAtCompileTime;
  static_assert(size != Dynamic, "mlp: expected arrays of fixed size, such as tiles");
  using Widest = typename Eigen::internal::packet_traits<S>::type;
  using P = std::conditional_t<size % packet_size<Widest> == 0, Widest, S>;
  A y;
  const auto run = [&](const auto&... operands) {
    MLP_UNROLL for (int i = 0; i < size; i += packet_size<P>) {
      Eigen::internal::pstoreu(y.data() + i, f(packet_of<P>(operands, i)...));
    }
  };
  run(as_operand<S>(z)...);
  return y;
}

MLP_END_PACKETS

}  // namespace detail

/// a b + c, rounded once on processors with fused multiply-add. Written so, since compilers are free to round
/// a * b + c once or twice: g++ does either, as it sees fit, and clang++ another. Where every product that is
/// added is written so, all compilers give the same bits.
template <class S>
requires(!detail::is_array<S>) EIGEN_STRONG_INLINE S multiply_add(const S& a, const S& b, const S& c) {
  return detail::packet_multiply_add<S>(a, b, c);
}

/// The same for each coefficient of arrays of fixed size, such as tiles, of which up to two may be scalars.
template <class A, class B, class C>
requires(detail::is_array<A> || detail::is_array<B> || detail::is_array<C>) EIGEN_STRONG_INLINE
    auto multiply_add(const A& a, const B& b, const C& c) {
  using Result = typename detail::first_array<A, B, C>::type;
  using S = typename Result::Scalar;
  if constexpr (std::is_same_v<S, float> || std::is_same_v<S, double>) {
    return detail::by_packets(
        []<class P>(const P& p, const P& q, const P& r) { return detail::packet_multiply_add<P>(p, q, r); },
        a, b, c);
  } else {
    return Result(detail::as_operand<S>(a) * detail::as_operand<S>(b) + detail::as_operand<S>(c));
  }
}

/// a b, rounded, for a product that is added where the compiler can see it, as by sum_tiles: a compiler does not
/// take it apart. Arrays of fixed size or scalars, as for multiply_add.
template <class A, class B>
EIGEN_STRONG_INLINE auto rounded_product(const A& a, const B& b) {
  if constexpr (detail::is_array<A>) return multiply_add(a, b, typename A::Scalar(-0.0));
  else if constexpr (detail::is_array<B>) return multiply_add(a, b, typename B::Scalar(-0.0));
  else return multiply_add(a, b, A(-0.0));
}

}  // namespace mlp::inline MLP_ABI
