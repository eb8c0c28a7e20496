#include <mlp/base/views.hpp>

#include <doctest/doctest.h>

#include <type_traits>
#include <utility>

#include "base/view_traits.hpp"

using namespace mlp;

namespace {

template <class V>
constexpr bool is_view = std::is_base_of_v<Eigen::MapBase<V>, V>;

Matrix<float> numbered(Index rows, Index cols) {
  Matrix<float> m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i);
  return m;
}

// The same numbers at the same address, through a read-only view.
template <class View, class X>
void check_views(const View& view, const X& x) {
  static_assert(is_view<View> && !is_writable<View>);
  CHECK(view.data() == x.data());
  CHECK(view.rows() == x.rows());
  CHECK(view.cols() == x.cols());
  CHECK(view == x);
}

template <class Copy, class X>
void check_copies(const Copy& copy, const X& x) {
  static_assert(!is_view<Copy>);
  CHECK(copy == x);
}

}  // namespace

TEST_CASE("matrix_view: column-major, and writable if its data are") {
  Matrix<float> m = numbered(2, 3);
  auto view = matrix_view<2, 3>(m.data(), 2, 3);
  const auto constant = matrix_view<Dynamic, Dynamic>(std::as_const(m).data(), 3, 2);
  static_assert(has_sizes<decltype(view), 2, 3> && is_writable<decltype(view)>);
  static_assert(has_sizes<decltype(constant), Dynamic, Dynamic> && !is_writable<decltype(constant)>);
  view(1, 2) = 50;
  CHECK(m == Matrix<float>{{0, 2, 4}, {1, 3, 50}});
  CHECK(constant == Matrix<float>{{0, 3}, {1, 4}, {2, 50}});
}

TEST_CASE("dense_view: contiguous columns are not copied") {
  const Matrix<float> m = numbered(4, 6);
  SUBCASE("matrices and blocks") {
    check_views(dense_view<Dynamic, Dynamic>(m), m);
    check_views(dense_view<4, Dynamic>(m), m);
    check_views(dense_view<4, 6>(m), m);
    check_views(dense_view<4, Dynamic>(m.middleCols(1, 3)), m.middleCols(1, 3));
    check_views(dense_view<2, 3>(m.block(1, 2, 2, 3)), m.block(1, 2, 2, 3));
    check_views(dense_view<1, Dynamic>(m.middleRows(2, 1)), m.middleRows(2, 1));  // a row with a stride
    check_views(dense_view<1, 6>(m.middleRows(2, 1)), m.middleRows(2, 1));
  }
  SUBCASE("the view has the requested sizes") {
    static_assert(has_sizes<decltype(dense_view<4, 6>(m)), 4, 6>);
    static_assert(has_sizes<decltype(dense_view<4, 1>(m.col(0))), 4, 1>);
    static_assert(has_sizes<decltype(dense_view<200, 200>(m)), Dynamic, Dynamic>);
  }
  SUBCASE("objects of fixed size") {
    const Eigen::Matrix<float, 2, 3> fixed = numbered(2, 3);
    const Eigen::Matrix<float, 2, 3, Eigen::RowMajor> by_rows = numbered(2, 3);
    check_views(dense_view<2, 3>(fixed), fixed);
    check_views(dense_view<2, 2>(fixed.leftCols<2>()), fixed.leftCols<2>());
    check_views(dense_view<2, 3>(by_rows), by_rows);
  }
  SUBCASE("Maps over a user's array") {
    const float array[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const Eigen::Map<const Matrix<float>> by_columns(array, 3, 4);
    const Eigen::Map<const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor>> by_rows(array, 3, 4);
    const Eigen::Map<const Matrix<float>, 0, Eigen::OuterStride<>> spread(array, 2, 4,
                                                                          Eigen::OuterStride<>(3));
    check_views(dense_view<3, Dynamic>(by_columns), by_columns);
    check_views(dense_view<3, Dynamic>(by_rows), by_rows);
    check_views(dense_view<3, 4>(by_rows), by_rows);
    check_views(dense_view<2, Dynamic>(spread), spread);
  }
  SUBCASE("vectors") {
    const Vector<float> v = numbered(5, 1);
    const Eigen::Vector3f fixed(1, 2, 3);
    const Eigen::RowVectorXf row = numbered(1, 5);
    check_views(dense_view<5, 1>(v), v);
    check_views(dense_view<Dynamic, 1>(v.segment(1, 3)), v.segment(1, 3));
    check_views(dense_view<3, 1>(fixed), fixed);
    check_views(dense_view<4, 1>(m.col(3)), m.col(3));
    check_views(dense_view<1, Dynamic>(row), row);
    check_views(dense_view<1, 5>(row), row);
  }
}

TEST_CASE("dense_view: an expression, or a vector with strides, is evaluated") {
  const Matrix<float> m = numbered(4, 6);
  check_copies(dense_view<4, Dynamic>(2 * m), 2 * m);
  check_copies(dense_view<4, 6>(m + m), m + m);
  check_copies(dense_view<6, 1>(m.row(1).transpose()), m.row(1).transpose());
  check_copies(dense_view<1, Dynamic>(m.row(1)), m.row(1));
  static_assert(has_sizes<decltype(dense_view<4, 6>(2 * m)), 4, 6>);
}

TEST_CASE("column_major_view: a row-major matrix is copied; otherwise as dense_view") {
  const Matrix<float> m = numbered(4, 6);
  const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor> by_rows = m;
  const Eigen::RowVectorXf row = m.row(1);
  static_assert(!std::remove_cvref_t<decltype(column_major_view<4, Dynamic>(by_rows))>::IsRowMajor);
  check_copies(column_major_view<4, Dynamic>(by_rows), by_rows);
  check_copies(column_major_view<4, Dynamic>(by_rows.leftCols(2)), by_rows.leftCols(2));
  check_copies(column_major_view<4, Dynamic>(2 * m), 2 * m);
  check_views(column_major_view<4, Dynamic>(m), m);
  check_views(column_major_view<2, Dynamic>(m.middleRows(1, 2)), m.middleRows(1, 2));
  check_views(column_major_view<1, Dynamic>(row), row);
}

TEST_CASE("column, segment_of: parts of a matrix and a vector") {
  Matrix<float> m = numbered(3, 4);
  Eigen::Matrix<float, 3, 2> fixed = numbered(3, 2);
  static_assert(has_sizes<decltype(column(fixed, 1)), 3, 1> && is_writable<decltype(column(m, 1))>);
  CHECK(column(m, 2) == m.col(2));
  column(fixed, 1)(0) = 9;
  CHECK(fixed(0, 1) == 9);
  const Vector<float> v = numbered(5, 1);
  static_assert(!is_writable<decltype(detail::segment_of(v, 1, 3))>);
  CHECK(detail::segment_of(v, 1, 3) == v.segment(1, 3));
}

TEST_CASE("fill: column after column") {
  mlp::Matrix<float> m(2, 3);
  double next = 0;
  mlp::fill(m, [&] { return next++; });
  CHECK(m == mlp::Matrix<float>{{0, 2, 4}, {1, 3, 5}});
  mlp::fill(m.middleCols(1, 1), [] { return -1; });
  CHECK(m == mlp::Matrix<float>{{0, -1, 4}, {1, -1, 5}});
}
