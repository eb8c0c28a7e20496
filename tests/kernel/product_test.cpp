#include <mlp/kernel/product.hpp>

#include <mlp/base/views.hpp>

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

Matrix<double> expected_affine(const Matrix<double>& a, const Matrix<double>& b, const Vector<double>& bias) {
  Matrix<double> c(a.rows(), b.cols());
  detail::plain_product(a, b, bias.data(), c);
  return c;
}

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

// A B + bias 1^T where the types have the sizes Rows, Depth and Cols.
template <int Rows, int Depth, int Cols>
Matrix<float> plain(const Matrix<float>& a, const Matrix<float>& b, const Vector<float>& bias) {
  Matrix<float> c(a.rows(), b.cols());
  set_affine(matrix_view<Rows, Depth>(a.data(), a.rows(), a.cols()),
             matrix_view<Depth, Cols>(b.data(), b.rows(), b.cols()), bias,
             matrix_view<Rows, Cols>(c.data(), c.rows(), c.cols()));
  return c;
}

template <int Rows, int Depth, int Cols>
Matrix<float> transposed(const Matrix<float>& a_t, const Matrix<float>& b_t, const Vector<float>& bias) {
  Matrix<float> c(a_t.cols(), b_t.rows());
  set_affine(matrix_view<Depth, Rows>(a_t.data(), a_t.rows(), a_t.cols()).transpose(),
             matrix_view<Cols, Depth>(b_t.data(), b_t.rows(), b_t.cols()).transpose(), bias,
             matrix_view<Rows, Cols>(c.data(), c.rows(), c.cols()));
  return c;
}

// Static sizes, a dynamic batch, and all sizes dynamic, with the same numbers.
template <int Rows, int Depth, int Cols>
void check_bits() {
  CAPTURE(Rows);
  CAPTURE(Depth);
  CAPTURE(Cols);
  const Vector<float> c = fractions(Rows, 1, 2);
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

TEST_CASE("plain_product: a product by hand, with and without a start") {
  const Matrix<double> a{{1, 2, 3}, {4, 5, 6}}, b{{7, 10}, {8, 11}, {9, 12}};
  const Vector<double> start{{0.5, -1}};
  Matrix<double> c(2, 2);
  detail::plain_product(a, b, nullptr, c);
  CHECK(c == Matrix<double>{{50, 68}, {122, 167}});
  detail::plain_product(a, b, start.data(), c);
  CHECK(c == Matrix<double>{{50.5, 68.5}, {121, 166}});
}

TEST_CASE("set_affine: Y = W X + b, for sizes on both sides of each threshold") {
  const Index sizes[] = {1, 2, 3, 7, 15, 16, 17, 32, 33, 40};
  for (const Index m : sizes) {
    for (const Index k : sizes) {
      for (const Index n : {0, 1, 2, 3, 7, 16, 33, 40}) {
        CAPTURE(m);
        CAPTURE(k);
        CAPTURE(n);
        const Matrix<double> a = integers(m, k, 1), b = integers(k, n, 2);
        const Vector<double> bias = integers(m, 1, 4);
        const Matrix<double> a_t = a.transpose(), b_t = b.transpose(), expected = expected_affine(a, b, bias);
        Matrix<double> found[4];
        for (Matrix<double>& c : found) c = integers(m, n, 3);
        set_affine(view(a), view(b), bias, view(found[0]));
        set_affine(view(a_t).transpose(), view(b), bias, view(found[1]));
        set_affine(view(a), view(b_t).transpose(), bias, view(found[2]));
        set_affine(view(a_t).transpose(), view(b_t).transpose(), bias, view(found[3]));
        for (int i = 0; i < 4; ++i) {
          CAPTURE(i);
          CHECK(found[i] == expected);
        }
      }
    }
  }
}

TEST_CASE("set_product: C = A B, and zeros if there is nothing to sum") {
  for (const Index k : {0, 1, 5, 40}) {
    for (const Index n : {1, 4, 40}) {
      const Matrix<double> a = integers(33, k, 1), b = integers(k, n, 2);
      Matrix<double> found = integers(33, n, 3);
      set_product(view(a), view(b), view(found));
      CHECK(found == expected_affine(a, b, Vector<double>::Zero(33)));
    }
  }
}

// As in blocks of rows of the user's data.
TEST_CASE("set_affine: operands whose columns do not touch") {
  for (const Index m : {1, 5, 16, 37}) {
    for (const Index k : {1, 4, 33}) {
      for (const Index n : {1, 6, 35}) {
        CAPTURE(m);
        CAPTURE(k);
        CAPTURE(n);
        const Matrix<double> a = integers(m + 3, k, 1), b = integers(k + 2, n, 2);
        const Vector<double> bias = integers(m, 1, 4);
        const Matrix<double> b_t = integers(n + 1, k, 2);
        const Strided a_part(a.data() + 1, m, k, Stride(m + 3)), b_part(b.data() + 2, k, n, Stride(k + 2)),
            b_t_part(b_t.data(), n, k, Stride(n + 1));
        Matrix<double> found(m, n);
        set_affine(a_part, b_part, bias, view(found));
        CHECK(found == expected_affine(a_part, b_part, bias));
        set_affine(a_part, b_t_part.transpose(), bias, view(found));
        CHECK(found == expected_affine(a_part, b_t_part.transpose(), bias));
        Matrix<double> wide = Matrix<double>::Zero(m + 2, n);
        set_affine(view(a).middleRows(1, m), b_part, bias,
                   Eigen::Map<Matrix<double>, 0, Stride>(wide.data(), m, n, Stride(m + 2)));
        CHECK(wide.topRows(m) == expected_affine(a_part, b_part, bias));
        CHECK(wide.bottomRows(2).isZero(0));
      }
    }
  }
}

TEST_CASE("set_affine: static and dynamic sizes give the same bits") {
  check_bits<1, 1, 1>();  // small: at most 1024 products of coefficients
  check_bits<1, 5, 3>();
  check_bits<5, 1, 3>();
  check_bits<3, 5, 1>();
  check_bits<16, 8, 8>();
  check_bits<17, 5, 7>();
  check_bits<1, 40, 1>();  // a column: each number of packets, several chains of sums, rows left over
  check_bits<16, 17, 1>();
  check_bits<40, 40, 1>();
  check_bits<250, 35, 1>();
  check_bits<1, 40, 40>();  // large
  check_bits<40, 1, 40>();
  check_bits<17, 23, 9>();
  check_bits<33, 40, 35>();
}
