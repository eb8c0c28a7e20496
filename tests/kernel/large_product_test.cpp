#include <mlp/kernel/large_product.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace mlp;

namespace {

// Numbers whose sums depend on the order.
Matrix<float> fractions(Index rows, Index cols, float phase) {
  return Matrix<float>::NullaryExpr(rows, cols, [=](Index i, Index j) {
    return std::sin(1.3f * static_cast<float>(i + j * rows) + phase);
  });
}

template <bool RowMajorA, bool RowMajorB>
Matrix<float> in_parts(const Matrix<float>& a, const Matrix<float>& b, const Vector<float>& bias,
                       Index parts) {
  const Matrix<float> a_t = a.transpose(), b_t = b.transpose();
  Matrix<float> c = Matrix<float>::Constant(a.rows(), b.cols(), -1);
  detail::large_product<RowMajorA, RowMajorB>(
      a.rows(), a.cols(), b.cols(),
      detail::ProductOperands<float>{RowMajorA ? a_t.data() : a.data(), RowMajorA ? a.cols() : a.rows(),
                                     RowMajorB ? b_t.data() : b.data(), RowMajorB ? b.cols() : b.rows(),
                                     bias.data(), 1, c.data(), c.rows()},
      parts);
  return c;
}

}  // namespace

// There may be more parts than processors: the places of the cuts matter, not who computes the parts.
TEST_CASE("large_product: the same bits in any number of parts") {
  const Index shapes[][3] = {{320, 64, 200}, {64, 320, 200}, {97, 50, 130}, {50, 97, 301},
                             {333, 21, 17},  {10, 64, 128},  {67, 1, 90}};
  for (const auto& shape : shapes) {
    const Index m = shape[0], n = shape[1], k = shape[2];
    CAPTURE(m);
    CAPTURE(n);
    const Matrix<float> a = fractions(m, k, 0), b = fractions(k, n, 1);
    const Vector<float> bias = fractions(m, 1, 2);
    const Matrix<float> expected = in_parts<false, false>(a, b, bias, 1);
    for (const Index parts : {1, 2, 3, 4, 7}) {
      CHECK(in_parts<false, false>(a, b, bias, parts) == expected);
      CHECK(in_parts<true, false>(a, b, bias, parts) == expected);
      CHECK(in_parts<false, true>(a, b, bias, parts) == expected);
    }
  }
}
