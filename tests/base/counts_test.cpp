#include <mlp/base/counts.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "message_of.hpp"

using namespace mlp;

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
}
