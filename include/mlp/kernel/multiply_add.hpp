#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <type_traits>

/// a b + c on Eigen's packets: a packet is a vector register, or one scalar.
namespace mlp::detail {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a vector register's type as a template argument

template <class P>
inline constexpr int packet_size = Eigen::internal::unpacket_traits<P>::size;

// a b + c, rounded once where the processor has an instruction for it. Left to itself, a compiler contracts
// a * b + c for some sizes and not for others (g++ tuned for Zen does), and static and dynamic sizes would
// give different bits.
template <class P>
EIGEN_STRONG_INLINE P multiply_add(const P& a, const P& b, const P& c) {
  if constexpr (!std::is_floating_point_v<P>) {
    return Eigen::internal::pmadd(a, b, c);
  } else {
#if defined(EIGEN_VECTORIZE_FMA) || defined(__ARM_FEATURE_FMA)
    return std::fma(a, b, c);
#else
    return a * b + c;
#endif
  }
}

#pragma GCC diagnostic pop

}  // namespace mlp::detail
