#include <mlp/kernel/blocked_product.hpp>

#include <doctest/doctest.h>

#include <mlp/base/views.hpp>
#include <mlp/kernel/product.hpp>

#include <cmath>

using namespace mlp;

namespace {

// Numbers whose sums depend on the order.
template <class S>
Matrix<S> fractions(Index rows, Index cols, double phase) {
  return Matrix<S>::NullaryExpr(rows, cols, [=](Index i, Index j) {
    return static_cast<S>(std::sin(1.3 * static_cast<double>(i + j * rows) + phase));
  });
}

template <bool RowMajorA, bool RowMajorB, int Rows, int Cols, class S>
Matrix<S> product_of(const Matrix<S>& a, const Matrix<S>& b, const S* start, Index start_step) {
  const Matrix<S> a_t = a.transpose(), b_t = b.transpose();
  Matrix<S> c = Matrix<S>::Constant(a.rows() + 1, b.cols(), -100);
  detail::blocked_matrix_product<RowMajorA, RowMajorB, Rows, Cols>(
      a.rows(), a.cols(), b.cols(),
      detail::ProductOperands<S>{RowMajorA ? a_t.data() : a.data(), RowMajorA ? a.cols() : a.rows(),
                                 RowMajorB ? b_t.data() : b.data(), RowMajorB ? b.cols() : b.rows(), start,
                                 start_step, c.data(), c.rows()});
  CHECK((c.row(a.rows()).array() == -100).all());  // nothing beyond the last row
  return c.topRows(a.rows());
}

// All layouts, against plain_product, bit for bit.
template <int Rows = Dynamic, int Cols = Dynamic, class S>
void check(const Matrix<S>& a, const Matrix<S>& b) {
  CAPTURE(a.rows());
  CAPTURE(a.cols());
  CAPTURE(b.cols());
  const Matrix<S> bias = fractions<S>(a.rows(), 1, 3);
  Matrix<S> expected(a.rows(), b.cols());
  for (const S* start : {static_cast<const S*>(nullptr), bias.data()}) {
    detail::plain_product(a, b, start, expected);
    CHECK(product_of<false, false, Rows, Cols>(a, b, start, 1) == expected);
    CHECK(product_of<true, false, Rows, Cols>(a, b, start, 1) == expected);
    CHECK(product_of<false, true, Rows, Cols>(a, b, start, 1) == expected);
    CHECK(product_of<true, true, Rows, Cols>(a, b, start, 1) == expected);
  }
}

template <int Rows, int Cols>
void check_static(Index depth) {
  check<Rows, Cols>(fractions<float>(Rows, depth, 0), fractions<float>(depth, Cols, 1));
}

// A times a vector, which is contiguous, or a row of a matrix.
template <class S>
void check_vector(Index rows, Index depth) {
  CAPTURE(rows);
  CAPTURE(depth);
  const Matrix<S> a = fractions<S>(rows, depth, 0), b = fractions<S>(depth, 3, 1), b_t = b.transpose(),
                  bias = fractions<S>(rows, 1, 2);
  const auto b_1 = b.col(1);
  for (const S* const start : {bias.data(), static_cast<const S*>(nullptr)}) {
    Matrix<S> expected(rows, 1), found = Matrix<S>::Constant(rows, 1, -100);
    detail::plain_product(a, b_1, start, expected);
    const detail::ProductOperands<S> contiguous{a.data(), rows, b_1.data(), 1, start, 1, found.data(), rows};
    detail::blocked_matrix_vector_product<false, Dynamic>(rows, depth, contiguous);
    CHECK(found == expected);
    const detail::ProductOperands<S> strided{a.data(), rows, b_t.data() + 1, 3, start, 1, found.data(), rows};
    found.setConstant(-100);
    detail::blocked_matrix_vector_product<true, Dynamic>(rows, depth, strided);
    CHECK(found == expected);
  }
}

}  // namespace

TEST_CASE("block_length: at least four blocks from a depth of 97 on, of 32 to 128 each") {
  CHECK(detail::block_length(0) == 32);
  CHECK(detail::block_length(128) == 32);
  CHECK(detail::block_length(129) == 33);
  CHECK(detail::block_length(512) == 128);
  CHECK(detail::block_length(784) == 128);
}

// Each packet size and its overlapping last packet; one block, whole blocks and a shorter one; each number of
// columns of a tile.
TEST_CASE_TEMPLATE("blocked_matrix_product: plain_product's bits", S, float, double) {
  for (const Index rows : {1, 2, 3, 4, 5, 7, 8, 10, 16, 31, 70}) {
    for (const Index depth : {1, 32, 33, 50, 64, 130}) {
      for (const Index cols : {1, 2, 3, 5, 6, 12, 23}) {
        check(fractions<S>(rows, depth, 0), fractions<S>(depth, cols, 1));
      }
    }
  }
}

TEST_CASE(
    "blocked_matrix_product: a depth of several cuts, more columns than fit the cache, and columns far "
    "apart") {
  check(fractions<float>(19, 700, 0), fractions<float>(700, 3, 1));
  check(fractions<float>(19, 5, 0), fractions<float>(5, 400, 1));
  check(fractions<float>(600, 20, 0), fractions<float>(20, 30, 1));
  check(fractions<float>(70, 150, 0), fractions<float>(150, 400, 1));
  check(fractions<float>(140, 130, 0), fractions<float>(130, 50, 1));
}

TEST_CASE("blocked_matrix_product: static sizes") {
  check_static<1, 1>(3);
  check_static<7, 2>(17);
  check_static<8, 4>(2);
  check_static<10, 5>(70);
  check_static<24, 13>(16);
}

TEST_CASE("blocked_matrix_product: one start for all rows") {
  const Matrix<float> a = fractions<float>(21, 40, 0), b = fractions<float>(40, 2, 1);
  const Vector<float> same = Vector<float>::Constant(21, 0.7f);
  Matrix<float> expected(21, 2);
  detail::plain_product(a, b, same.data(), expected);
  CHECK(product_of<false, false, Dynamic, Dynamic>(a, b, same.data(), 0) == expected);
}

TEST_CASE_TEMPLATE("blocked_matrix_vector_product: plain_product's bits", S, float, double) {
  for (const Index rows : {1, 2, 3, 5, 8, 9, 16, 31, 32, 70, 140}) {
    for (const Index depth : {1, 16, 17, 32, 40, 64, 100, 600}) check_vector<S>(rows, depth);
  }
}

TEST_CASE_TEMPLATE("blocked_matrix_vector_product: matrices larger than a cache, in parts of 8 KB of rows", S,
                   float, double) {
  check_vector<S>(2048, 40);
  check_vector<S>(2053, 70);
}

TEST_CASE("blocked_matrix_vector_product: static rows") {
  const Matrix<float> a = fractions<float>(45, 33, 0), b = fractions<float>(33, 1, 1);
  Matrix<float> expected(45, 1), found(45, 1);
  detail::plain_product(a, b, nullptr, expected);
  detail::blocked_matrix_vector_product<false, 45>(
      45, 33, detail::ProductOperands<float>{a.data(), 45, b.data(), 1, nullptr, 1, found.data(), 45});
  CHECK(found == expected);
}
