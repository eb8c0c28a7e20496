#include <mlp/base/types.hpp>

#include <doctest/doctest.h>

#include <complex>
#include <type_traits>

using namespace mlp;

TEST_CASE("SizedMatrix: fixed where both sizes are known and their product is not too large") {
  static_assert(is_fixed<3, 5> && is_fixed<128, 128> && is_fixed<max_fixed_size, 1>);
  static_assert(!is_fixed<Dynamic, 5> && !is_fixed<3, Dynamic> && !is_fixed<129, 128> &&
                !is_fixed<100000, 100000>);
  static_assert(std::is_same_v<SizedMatrix<float, 3, 5>, Eigen::Matrix<float, 3, 5>>);
  static_assert(std::is_same_v<SizedMatrix<float, 3, Dynamic>, Matrix<float>>);
  static_assert(std::is_same_v<SizedMatrix<float, 1000, 1000>, Matrix<float>>);
  static_assert(std::is_same_v<SizedMatrix<float, Dynamic, 1>, Vector<float>>);
  static_assert(std::is_same_v<SizedMatrix<float, max_fixed_size + 1, 1>, Vector<float>>);
  // The limit is in bytes: Eigen's for objects on the stack.
  static_assert(is_fixed<max_fixed_size, 1, double> && is_fixed<max_fixed_size, 1, float>);
  using Large = std::complex<double>;
  static_assert(is_fixed<64, 128, Large> && !is_fixed<65, 128, Large>);
  static_assert(std::is_same_v<SizedMatrix<Large, 65, 128>, Matrix<Large>>);
}
