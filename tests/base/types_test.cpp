#include <mlp/base/types.hpp>

#include <doctest/doctest.h>

#include "message_of.hpp"

#include <complex>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

using namespace mlp;

namespace {

template <class V, int Rows, int Cols>
constexpr bool has_sizes = V::RowsAtCompileTime == Rows&& V::ColsAtCompileTime == Cols;

template <class V>
constexpr bool is_writable = !std::is_const_v<std::remove_pointer_t<decltype(std::declval<V&>().data())>>;

template <class V>
constexpr bool is_view = std::is_base_of_v<Eigen::MapBase<V>, V>;

Matrix<float> numbered(Index rows, Index cols) {
  Matrix<float> m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i);
  return m;
}

// The same numbers in the same place, through a view that cannot be written.
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

TEST_CASE("Extent: a known size takes no space") {
  static_assert(std::is_empty_v<Extent<3>> && Extent<3>::value() == 3 && Extent<3>{3}.value() == 3);
  static_assert(Extent<Dynamic>{7}.value() == 7);
  static_assert(!std::is_default_constructible_v<Extent<Dynamic>>);
  CHECK_THROWS_WITH_AS(Extent<3>{4}, "mlp: expected 3 as the size that the type says, found 4",
                       std::invalid_argument);
}

TEST_CASE("SizedMatrix: fixed where both sizes are known and their product is not too large") {
  static_assert(is_fixed<3, 5> && is_fixed<128, 128> && is_fixed<max_fixed_size, 1>);
  static_assert(!is_fixed<Dynamic, 5> && !is_fixed<3, Dynamic> && !is_fixed<129, 128> &&
                !is_fixed<100000, 100000>);
  static_assert(std::is_same_v<SizedMatrix<float, 3, 5>, Eigen::Matrix<float, 3, 5>>);
  static_assert(std::is_same_v<SizedMatrix<float, 3, Dynamic>, Matrix<float>>);
  static_assert(std::is_same_v<SizedMatrix<float, 1000, 1000>, Matrix<float>>);
  static_assert(std::is_same_v<SizedMatrix<float, Dynamic, 1>, Vector<float>>);
  static_assert(std::is_same_v<SizedMatrix<float, max_fixed_size + 1, 1>, Vector<float>>);
  // In bytes, what Eigen allows on the stack.
  static_assert(is_fixed<max_fixed_size, 1, double> && is_fixed<max_fixed_size, 1, float>);
  using Large = std::complex<double>;
  static_assert(is_fixed<64, 128, Large> && !is_fixed<65, 128, Large>);
  static_assert(std::is_same_v<SizedMatrix<Large, 65, 128>, Matrix<Large>>);
}

TEST_CASE("counts: neither negative, nor wrapped, nor more than memory could hold") {
  constexpr Index most = detail::max_count;
  static_assert(most * Index{sizeof(double)} > 0);
  static_assert(detail::checked_count(most) == most && detail::checked_count(0) == 0);
  static_assert(detail::checked_total({}) == 0 && detail::checked_total({1, 2, 3}) == 6);
  static_assert(detail::checked_product(0, most) == 0 && detail::checked_product(most, 0) == 0);
  static_assert(detail::checked_product(most, 1) == most && detail::checked_product(1, most) == most);
  static_assert(detail::checked_product(3, most / 3) == most / 3 * 3);
  const auto refused = [](auto&& call) {
    return message_of<std::invalid_argument>(call).find(", found ") != std::string::npos;
  };
  for (const Index n : {Index{-1}, most + 1, 2 * most, 7 * most, std::numeric_limits<Index>::min()}) {
    CAPTURE(n);
    CHECK(refused([=] { detail::checked_count(n); }));
    CHECK(refused([=] { Extent<Dynamic>{n}; }));
    CHECK(refused([=] { Inputs<Dynamic>{n}; }));
    CHECK(refused([=] { Outputs<Dynamic>{n}; }));
    CHECK(refused([=] { ParameterCount<Dynamic>{n}; }));
    CHECK(refused([=] { StateCount<Dynamic>{n}; }));
    CHECK(refused([=] { detail::checked_sum(n, 0); }));
  }
  CHECK(refused([] { detail::checked_sum(most, 1); }));
  CHECK(refused([] { detail::checked_total({most, most, most, most, most, most, most, most, most}); }));
  // Products that wrap to a small number.
  CHECK(refused([] { detail::checked_product(most / 2 + 1, 2); }));
  CHECK(refused([] {
    detail::checked_product(Index{1} << (std::numeric_limits<Index>::digits / 2 + 1),
                            Index{1} << (std::numeric_limits<Index>::digits / 2 + 1));
  }));
  CHECK(message_of<std::invalid_argument>([] { detail::checked_size<Dynamic>(-2, "Layer"); }) ==
        "Layer: expected a positive size, found -2");
  CHECK(message_of<std::invalid_argument>([] {
          detail::checked_size<Dynamic>(most + 1, "Layer");
        }).starts_with("Layer: expected a size in [0, "));
  Buffer<float, Dynamic, Dynamic> buffer;
  CHECK(refused([&] { buffer.resize(most, 16); }));
}

TEST_CASE("matrix_view: column-major, and writable as what it points to") {
  Matrix<float> m = numbered(2, 3);
  auto view = matrix_view<2, 3>(m.data(), 2, 3);
  const auto constant = matrix_view<Dynamic, Dynamic>(std::as_const(m).data(), 3, 2);
  static_assert(has_sizes<decltype(view), 2, 3> && is_writable<decltype(view)>);
  static_assert(has_sizes<decltype(constant), Dynamic, Dynamic> && !is_writable<decltype(constant)>);
  view(1, 2) = 50;
  CHECK(m == Matrix<float>{{0, 2, 4}, {1, 3, 50}});
  CHECK(constant == Matrix<float>{{0, 3}, {1, 4}, {2, 50}});
}

TEST_CASE("dense_view: what lies side by side is not copied") {
  const Matrix<float> m = numbered(4, 6);
  SUBCASE("matrices and blocks") {
    check_views(dense_view<Dynamic, Dynamic>(m), m);
    check_views(dense_view<4, Dynamic>(m), m);
    check_views(dense_view<4, 6>(m), m);
    check_views(dense_view<4, Dynamic>(m.middleCols(1, 3)), m.middleCols(1, 3));
    check_views(dense_view<2, 3>(m.block(1, 2, 2, 3)), m.block(1, 2, 2, 3));
    check_views(dense_view<1, Dynamic>(m.middleRows(2, 1)), m.middleRows(2, 1));  // a row with a stride in it
    check_views(dense_view<1, 6>(m.middleRows(2, 1)), m.middleRows(2, 1));
  }
  SUBCASE("the sizes asked for are the view's") {
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

TEST_CASE("column_view: a row-major matrix is copied, all else is as with dense_view") {
  const Matrix<float> m = numbered(4, 6);
  const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor> by_rows = m;
  const Eigen::RowVectorXf row = m.row(1);
  static_assert(!std::remove_cvref_t<decltype(column_view<4, Dynamic>(by_rows))>::IsRowMajor);
  check_copies(column_view<4, Dynamic>(by_rows), by_rows);
  check_copies(column_view<4, Dynamic>(by_rows.leftCols(2)), by_rows.leftCols(2));
  check_copies(column_view<4, Dynamic>(2 * m), 2 * m);
  check_views(column_view<4, Dynamic>(m), m);
  check_views(column_view<2, Dynamic>(m.middleRows(1, 2)), m.middleRows(1, 2));
  check_views(column_view<1, Dynamic>(row), row);
}

TEST_CASE("Buffer: a smaller batch keeps the storage, a larger one gets what it needs") {
  Buffer<float, 3, Dynamic> buffer;
  buffer.resize(3, 10);
  CHECK(buffer.view().cols() == 10);
  const float* const data = buffer.view().data();
  for (const Index cols : {4, 0, 10}) {
    CAPTURE(cols);
    buffer.resize(3, cols);
    CHECK(buffer.view().data() == data);
    CHECK(buffer.view().rows() == 3);
    CHECK(buffer.view().cols() == cols);
  }
  buffer.resize(3, 1000);
  buffer.view().setConstant(7);  // an address sanitizer would object
  CHECK(std::as_const(buffer).view().sum() == 7 * 3000);
  static_assert(is_writable<decltype(buffer.view())> && !is_writable<decltype(std::as_const(buffer).view())>);
}

TEST_CASE("Buffer: a fixed size lies in the object") {
  using Fixed = Buffer<float, 4, 8>;
  static_assert(sizeof(Fixed) == 4 * 8 * sizeof(float));
  static_assert(has_sizes<decltype(std::declval<Fixed&>().view()), 4, 8>);
  Fixed buffer;
  buffer.resize(4, 8);
  CHECK(static_cast<const void*>(buffer.view().data()) == &buffer);
  buffer.view().setConstant(3);
  const Fixed copy = buffer;
  buffer.view().setZero();
  CHECK(copy.view().sum() == 3 * 32);
}
