#include <mlp/kernel/tile.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace mlp;

namespace {

constexpr float untouched = -1e6f;

// rows x cols different numbers in columns that are `gap` apart, with sentinels before, between and after
// them.
struct Storage {
  Index rows, cols, gap;
  std::vector<float> all;

  Storage(Index r, Index c, Index g, float first)
      : rows(r), cols(c), gap(g), all(static_cast<std::size_t>(2 + (r + g) * c), untouched) {
    for (Index j = 0; j < cols; ++j) {
      for (Index i = 0; i < rows; ++i) at(i, j) = first + static_cast<float>(i + j * rows);
    }
  }

  float& at(Index i, Index j) { return all[static_cast<std::size_t>(1 + i + j * (rows + gap))]; }
  using Stride = Eigen::OuterStride<>;
  auto view() { return Eigen::Map<Matrix<float>, 0, Stride>(all.data() + 1, rows, cols, Stride(rows + gap)); }
  auto const_view() const {
    return Eigen::Map<const Matrix<float>, 0, Stride>(all.data() + 1, rows, cols, Stride(rows + gap));
  }
};

struct Shape {
  Index rows, cols, gap;
};

// Vectors of 0 to 50 coefficients, and matrices with and without gaps between their columns.
std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (Index n = 0; n <= 50; ++n) all.push_back({n, 1, 0});
  for (const Index rows : {1, 5, 16, 17, 33}) {
    for (const Index cols : {0, 2, 7}) {
      for (const Index gap : {0, 1, 16}) all.push_back({rows, cols, gap});
    }
  }
  return all;
}

}  // namespace

TEST_CASE("for_each_tile: visits each coefficient once, in step, and nothing else") {
  for (const Shape& shape : shapes()) {
    const Index rows = shape.rows, cols = shape.cols, gap = shape.gap;
    CAPTURE(rows);
    CAPTURE(cols);
    CAPTURE(gap);
    const Storage a(rows, cols, gap, 3);
    Storage b(rows, cols, 0, 100), c(rows, cols, gap, 7);
    Storage expected_b = b, expected_c = c;
    for (Index j = 0; j < cols; ++j) {
      for (Index i = 0; i < rows; ++i) {
        const float before = expected_b.at(i, j);
        expected_b.at(i, j) = before + 2 * a.const_view()(i, j);
        expected_c.at(i, j) -= before;
      }
    }
    auto b_view = b.view();
    for_each_tile(
        [](const auto& x, auto& y, auto& z) {
          z -= y;
          y += 2 * x;
        },
        a.const_view(), b_view, c.view());
    CHECK(b.all == expected_b.all);
    CHECK(c.all == expected_c.all);
  }
}

TEST_CASE("for_each_tile: a tile is complete, and its padding zero") {
  for (Index n = 0; n <= 50; ++n) {
    CAPTURE(n);
    const Vector<double> x = Vector<double>::Constant(n, 7);
    Index calls = 0, nonzero = 0;
    double sum = 0;
    for_each_tile(
        [&](const Tile<double>& tile) {
          ++calls;
          nonzero += (tile != 0).count();
          sum += tile.sum();
        },
        x);
    CHECK(calls == (n + tile_size - 1) / tile_size);
    CHECK(nonzero == n);
    CHECK(sum == 7 * static_cast<double>(n));
  }
}

TEST_CASE("for_each_tile: const operands are not written") {
  const Vector<float> x = Vector<float>::Constant(20, 7);
  for_each_tile([](auto& tile) { tile.setZero(); }, x);
  CHECK(x == Vector<float>::Constant(20, 7));
}

TEST_CASE("for_each_tile: columns of a matrix") {
  Matrix<float> m = Matrix<float>::Constant(18, 3, 1);
  for_each_tile([](auto& tile) { tile *= 5; }, m.col(1));
  CHECK(m.col(0) == Vector<float>::Constant(18, 1));
  CHECK(m.col(1) == Vector<float>::Constant(18, 5));
  CHECK(m.col(2) == Vector<float>::Constant(18, 1));
}

// All numbers are integers below 2^24, so that sums are exact in any order.
TEST_CASE("sum_tiles: the sum over each coefficient, without the padding") {
  for (const Shape& shape : shapes()) {
    const Index rows = shape.rows, cols = shape.cols, gap = shape.gap;
    CAPTURE(rows);
    CAPTURE(cols);
    CAPTURE(gap);
    const Storage a(rows, cols, gap, 3);
    Storage b(rows, cols, 0, 1), expected_b = b;
    float expected = 0;
    for (Index j = 0; j < cols; ++j) {
      for (Index i = 0; i < rows; ++i) {
        expected += a.const_view()(i, j) - 2 * expected_b.at(i, j) + 5;
        expected_b.at(i, j) *= -1;
      }
    }
    const float sum = sum_tiles<float>(
        [](const auto& x, auto& y) {
          y *= -1;
          return x + 2 * y + 5;  // 5 in the padding
        },
        a.const_view(), b.view());
    CHECK(sum == expected);
    CHECK(b.all == expected_b.all);
  }
}
