#include <mlp/base/sizes.hpp>

#include <doctest/doctest.h>

#include <limits>
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
    using AnySize = Sizes<Dynamic, Dynamic, Dynamic, Dynamic>;
    CHECK(refused([=] { AnySize(n, 1, 1, 1); }));
    CHECK(refused([=] { AnySize(1, n, 1, 1); }));
    CHECK(refused([=] { AnySize(1, 1, n, 1); }));
    CHECK(refused([=] { AnySize(1, 1, 1, n); }));
    CHECK(refused([=] { detail::checked_sum(n, 0); }));
  }
  CHECK(refused([] { detail::checked_sum(most, 1); }));
  CHECK(refused([] { detail::checked_total({most, most, most, most, most, most, most, most, most}); }));
  // Products that overflow to a small number.
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
}
