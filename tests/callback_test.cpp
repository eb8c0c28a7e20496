#include <mlp/callback.hpp>

#include <doctest/doctest.h>

TEST_CASE("a callback goes on unless it returns false") {
  int calls = 0;
  auto says_nothing = [&](int now) { calls += now; };
  auto stops_at_two = [&](int now) { return now < 2; };
  mlp::detail::NoCallback none;
  CHECK(mlp::detail::goes_on(says_nothing, 3));
  CHECK(calls == 3);
  CHECK(mlp::detail::goes_on(stops_at_two, 1));
  CHECK(!mlp::detail::goes_on(stops_at_two, 2));
  CHECK(mlp::detail::goes_on(none, 1));
}
