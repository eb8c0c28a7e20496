#include <mlp/kernel/small_product.hpp>

#include <doctest/doctest.h>

#include <mlp/base/views.hpp>
#include <mlp/kernel/product.hpp>

#include <cmath>

using namespace mlp;

namespace {

// Integers from -4 to 4: sums of their products are exact in any order.
template <class S>
Matrix<S> integers(Index rows, Index cols, int phase) {
  return Matrix<S>::NullaryExpr(rows, cols, [=](Index i, Index j) {
    return static_cast<S>((7 * i + (5 + phase) * j + phase) % 9 - 4);
  });
}

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

// small_product where the type has Rows rows, against plain_product.
template <int Rows, class S>
void check(Index rows, Index depth, Index cols) {
  CAPTURE(Rows);
  CAPTURE(rows);
  CAPTURE(depth);
  CAPTURE(cols);
  const Matrix<S> a = integers<S>(rows, depth, 1), b = integers<S>(depth, cols, 2), a_t = a.transpose(),
                  b_t = b.transpose(), bias = integers<S>(rows, 1, 3);
  Matrix<S> expected(rows, cols), found(rows, cols);
  auto c = matrix_view<Rows, Dynamic>(found.data(), rows, cols);
  for (const S* start : {static_cast<const S*>(nullptr), bias.data()}) {
    detail::plain_product(a, b, start, expected);
    const auto check_operands = [&](const auto& left, const auto& right) {
      found.setConstant(-100);
      detail::small_product(left, right, start, c);
      CHECK(found == expected);
    };
    check_operands(view(a), view(b));
    check_operands(view(a_t).transpose(), view(b));
    check_operands(view(a), view(b_t).transpose());
    check_operands(view(a_t).transpose(), view(b_t).transpose());
  }
}

}  // namespace

// Of each packet size, and on both sides of the depth from which sums are split into several chains.
TEST_CASE_TEMPLATE("small_product: plain_product's numbers, for any number of rows", S, float, double) {
  for (const Index rows : {1, 2, 7, 8, 15, 33, 70, 250}) {
    for (const Index depth : {1, 15, 16, 19, 40}) {  // product.hpp passes on no empty operands
      for (const Index cols : {1, 3}) check<Dynamic, S>(rows, depth, cols);
    }
  }
  for (const Index depth : {1, 15, 19}) {
    check<1, S>(1, depth, 2);
    check<7, S>(7, depth, 2);
    check<16, S>(16, depth, 2);
    check<150, S>(150, depth, 2);
  }
}

TEST_CASE("multiply_add rounds once where the processor has fused multiply-adds") {
  [[maybe_unused]] const double a = 1 + 0x1p-30, square = a * a;
#ifdef EIGEN_VECTORIZE_FMA
  CHECK(detail::multiply_add(a, a, -square) == 0x1p-60);
#endif
}
