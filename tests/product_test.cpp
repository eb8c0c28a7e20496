#include <mlp/product.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace mlp;

namespace {

using Stride = Eigen::OuterStride<>;
using Strided = Eigen::Map<const Matrix<double>, 0, Stride>;

// Integers from -4 to 4: sums of their products are exact in any order.
Matrix<double> integers(Index rows, Index cols, int phase) {
  Matrix<double> m(rows, cols);
  for (Index i = 0; i < m.size(); ++i)
    m.data()[i] = static_cast<double>((7 * i + phase * (i / 3) + phase) % 9 - 4);
  return m;
}

// Numbers whose sums depend on the order.
Matrix<float> fractions(Index rows, Index cols, double phase) {
  Matrix<float> m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) {
    m.data()[i] = static_cast<float>(std::sin(1.3 * static_cast<double>(i) + phase));
  }
  return m;
}

Matrix<double> add_by_hand(const Matrix<double>& a, const Matrix<double>& b, Matrix<double> c) {
  for (Index i = 0; i < c.rows(); ++i) {
    for (Index j = 0; j < c.cols(); ++j) {
      for (Index k = 0; k < a.cols(); ++k) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

// The bits of C += A B where Rows, Depth and Cols are the sizes that the types know.
template <int Rows, int Depth, int Cols>
Matrix<float> plain(const Matrix<float>& a, const Matrix<float>& b, Matrix<float> c) {
  add_product(matrix_view<Rows, Depth>(a.data(), a.rows(), a.cols()),
              matrix_view<Depth, Cols>(b.data(), b.rows(), b.cols()),
              matrix_view<Rows, Cols>(c.data(), c.rows(), c.cols()));
  return c;
}

template <int Rows, int Depth, int Cols>
Matrix<float> transposed(const Matrix<float>& a_t, const Matrix<float>& b_t, Matrix<float> c) {
  add_product(matrix_view<Depth, Rows>(a_t.data(), a_t.rows(), a_t.cols()).transpose(),
              matrix_view<Cols, Depth>(b_t.data(), b_t.rows(), b_t.cols()).transpose(),
              matrix_view<Rows, Cols>(c.data(), c.rows(), c.cols()));
  return c;
}

// Static sizes, a dynamic batch, and all sizes dynamic, on the same numbers.
template <int Rows, int Depth, int Cols>
void check_bits() {
  CAPTURE(Rows);
  CAPTURE(Depth);
  CAPTURE(Cols);
  const Matrix<float> c = fractions(Rows, Cols, 2);
  {
    const Matrix<float> a = fractions(Rows, Depth, 0), b = fractions(Depth, Cols, 1);
    const Matrix<float> expected = plain<Dynamic, Dynamic, Dynamic>(a, b, c);
    CHECK(plain<Rows, Depth, Cols>(a, b, c) == expected);
    CHECK(plain<Rows, Depth, Dynamic>(a, b, c) == expected);
  }
  {
    const Matrix<float> a = fractions(Depth, Rows, 0), b = fractions(Cols, Depth, 1);
    const Matrix<float> expected = transposed<Dynamic, Dynamic, Dynamic>(a, b, c);
    CHECK(transposed<Rows, Depth, Cols>(a, b, c) == expected);
    CHECK(transposed<Rows, Dynamic, Cols>(a, b, c) == expected);
  }
}

}  // namespace

TEST_CASE("add_product: C += A B, for sizes on both sides of each threshold") {
  const Index sizes[] = {1, 2, 3, 7, 15, 16, 17, 32, 33, 40};
  for (const Index m : sizes) {
    for (const Index k : sizes) {
      for (const Index n : {0, 1, 2, 3, 7, 16, 33, 40}) {
        CAPTURE(m);
        CAPTURE(k);
        CAPTURE(n);
        const Matrix<double> a = integers(m, k, 1), b = integers(k, n, 2), c = integers(m, n, 4);
        const Matrix<double> a_t = a.transpose(), b_t = b.transpose(), expected = add_by_hand(a, b, c);
        Matrix<double> found[4] = {c, c, c, c};
        add_product(view(a), view(b), view(found[0]));
        add_product(view(a_t).transpose(), view(b), view(found[1]));
        add_product(view(a), view(b_t).transpose(), view(found[2]));
        add_product(view(a_t).transpose(), view(b_t).transpose(), view(found[3]));
        for (int i = 0; i < 4; ++i) {
          CAPTURE(i);
          CHECK(found[i] == expected);
        }
      }
    }
  }
}

TEST_CASE("add_product: nothing to sum leaves C as it is") {
  const Matrix<double> a(3, 0), b(0, 2), c = integers(3, 2, 1);
  Matrix<double> found = c;
  add_product(view(a), view(b), view(found));
  CHECK(found == c);
}

// As of blocks of rows of the user's data.
TEST_CASE("add_product: operands whose columns do not touch") {
  for (const Index m : {1, 5, 16, 37}) {
    for (const Index k : {1, 4, 33}) {
      for (const Index n : {1, 6, 35}) {
        CAPTURE(m);
        CAPTURE(k);
        CAPTURE(n);
        const Matrix<double> a = integers(m + 3, k, 1), b = integers(k + 2, n, 2), c = integers(m, n, 4);
        const Matrix<double> b_t = integers(n + 1, k, 2);
        const Strided a_part(a.data() + 1, m, k, Stride(m + 3)), b_part(b.data() + 2, k, n, Stride(k + 2)),
            b_t_part(b_t.data(), n, k, Stride(n + 1));
        Matrix<double> found = c;
        add_product(a_part, b_part, view(found));
        CHECK(found == add_by_hand(a_part, b_part, c));
        found = c;
        add_product(a_part, b_t_part.transpose(), view(found));
        CHECK(found == add_by_hand(a_part, b_t_part.transpose(), c));
        Matrix<double> wide = Matrix<double>::Zero(m + 2, n);
        wide.topRows(m) = c;
        add_product(view(a).middleRows(1, m), b_part,
                    Eigen::Map<Matrix<double>, 0, Stride>(wide.data(), m, n, Stride(m + 2)));
        CHECK(wide.topRows(m) == add_by_hand(a_part, b_part, c));
        CHECK(wide.bottomRows(2).isZero(0));
      }
    }
  }
}

TEST_CASE("add_product: static and dynamic sizes give the same bits") {
  check_bits<1, 1, 1>();  // small: at most 1024 products of coefficients
  check_bits<1, 5, 3>();
  check_bits<5, 1, 3>();
  check_bits<3, 5, 1>();
  check_bits<16, 8, 8>();
  check_bits<17, 5, 7>();
  check_bits<40, 40, 1>();  // a column
  check_bits<1, 40, 40>();  // large
  check_bits<40, 1, 40>();
  check_bits<17, 23, 9>();
  check_bits<33, 40, 35>();
}
