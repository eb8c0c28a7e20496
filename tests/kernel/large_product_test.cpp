#include <mlp/kernel/large_product.hpp>

#include <mlp/base/views.hpp>

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

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

}  // namespace

// There may be more parts than processors: the places of the cuts matter, not who computes the parts.
TEST_CASE("large_product: the same bits in any number of parts") {
  const Index shapes[][3] = {{320, 64, 200}, {64, 320, 200}, {97, 50, 130},
                             {50, 97, 301},  {333, 21, 17},  {10, 64, 128}};
  for (const auto& shape : shapes) {
    const Index m = shape[0], n = shape[1], k = shape[2];
    CAPTURE(m);
    CAPTURE(n);
    const Matrix<float> a = fractions(m, k, 0), b = fractions(k, n, 1), a_t = a.transpose(),
                        b_t = b.transpose(), bias = fractions(m, 1, 2);
    const auto check = [&](const auto& left, const auto& right) {
      for (const float* start : {static_cast<const float*>(nullptr), bias.data()}) {
        Matrix<float> expected(m, n), found(m, n);
        auto whole = view(expected), cut = view(found);
        detail::large_product(left, right, start, whole, 1);
        for (const Index parts : {2, 3, 4, 7}) {
          found.setConstant(-1);
          detail::large_product(left, right, start, cut, parts);
          CHECK(found == expected);
        }
      }
    };
    check(view(a), view(b));
    check(view(a_t).transpose(), view(b));
    check(view(a), view(b_t).transpose());
  }
}
