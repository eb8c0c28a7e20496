#include <mlp/base/buffer.hpp>

#include <mlp/base/counts.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/view_traits.hpp"

using namespace mlp;

TEST_CASE("Buffer: a smaller batch keeps the storage, a larger one grows it") {
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
  buffer.view().setConstant(7);  // AddressSanitizer reports a write outside
  CHECK(std::as_const(buffer).view().sum() == 7 * 3000);
  static_assert(is_writable<decltype(buffer.view())> && !is_writable<decltype(std::as_const(buffer).view())>);
}

TEST_CASE("Buffer: a fixed size is stored in the object") {
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

TEST_CASE("Buffer: more than memory could hold") {
  Buffer<float, Dynamic, Dynamic> buffer;
  CHECK_THROWS_AS(buffer.resize(detail::max_count, 16), std::invalid_argument);
}
