#include <mlp/base/static_sizes.hpp>

#include <mlp/base/sizes.hpp>

#include <doctest/doctest.h>

using namespace mlp;

namespace {

// Sizes without the base class, and without state_count().
struct ByHand {
  static constexpr Index inputs() { return 2; }
  Index outputs() const { return 3; }
  static constexpr Index parameter_count() { return 0; }
};

}  // namespace

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
