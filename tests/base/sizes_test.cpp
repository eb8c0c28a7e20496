#include <mlp/base/sizes.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <type_traits>

#include "message_of.hpp"

using namespace mlp;

namespace {

// Sizes without the base class, and without state_count().
struct ByHand {
  static constexpr Index inputs() { return 2; }
  Index outputs() const { return 3; }
  static constexpr Index parameter_count() { return 0; }
};

}  // namespace

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

TEST_CASE("static_sizes: the constants of a type, with or without the base class") {
  using detail::static_sizes;
  constexpr auto known = static_sizes<Sizes<3, 4, 16, 2>>, mixed = static_sizes<Sizes<3, Dynamic, Dynamic>>,
                 by_hand = static_sizes<ByHand>;
  static_assert(known.inputs == 3 && known.outputs == 4 && known.parameters == 16 && known.state == 2);
  static_assert(mixed.inputs == 3 && mixed.outputs == Dynamic && mixed.parameters == Dynamic &&
                mixed.state == 0);
  static_assert(by_hand.inputs == 2 && by_hand.outputs == Dynamic && by_hand.parameters == 0 &&
                by_hand.state == 0);
  static_assert(detail::state_count(ByHand{}) == 0 && detail::state_count(Sizes<3, 4, 16, 2>{}) == 2);
  static_assert(detail::static_total({}) == 0 && detail::static_total({1, 2}) == 3 &&
                detail::static_total({1, Dynamic, 2}) == Dynamic);
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
