#include <mlp/base/sizes.hpp>

#include <mlp/base/counts.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>

#include "message_of.hpp"

using namespace mlp;

TEST_CASE("Sizes: a known size is a constant, and takes no space") {
  using Known = Sizes<3, 4, 16, 2>;
  static_assert(std::is_empty_v<Known> && std::is_empty_v<Sizes<3, 3>>);
  static_assert(Known::inputs() == 3 && Known::outputs() == 4 && Known::parameter_count() == 16 &&
                Known::state_count() == 2);
  static_assert(std::is_default_constructible_v<Known> &&
                !std::is_default_constructible_v<Sizes<3, Dynamic>>);
  using Mixed = Sizes<3, Dynamic, Dynamic>;
  static_assert(Mixed::inputs() == 3 && Mixed::state_count() == 0 && Mixed(3, 7, 28).outputs() == 7 &&
                Mixed(3, 7, 28).parameter_count() == 28);
  static_assert(sizeof(Mixed) == 2 * sizeof(Index));
  CHECK(message_of<std::invalid_argument>([] { Known(3, 5, 16, 2); }) ==
        "mlp: expected 4 as the size in the type, found 5");
}

TEST_CASE("Sizes: neither negative, nor more than memory could hold") {
  using AnySize = Sizes<Dynamic, Dynamic, Dynamic, Dynamic>;
  for (const Index n : {Index{-1}, detail::max_count + 1}) {
    CAPTURE(n);
    CHECK_THROWS_AS(AnySize(n, 1, 1, 1), std::invalid_argument);
    CHECK_THROWS_AS(AnySize(1, n, 1, 1), std::invalid_argument);
    CHECK_THROWS_AS(AnySize(1, 1, n, 1), std::invalid_argument);
    CHECK_THROWS_AS(AnySize(1, 1, 1, n), std::invalid_argument);
  }
}
