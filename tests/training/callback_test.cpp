#include <mlp/training/callback.hpp>

#include <doctest/doctest.h>

TEST_CASE("training continues unless a callback returns false") {
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

TEST_CASE("a callback may also take the training") {
  struct Sees {
    int sum = 0;
    void begin(int& training) { training += 1; }
    bool after(int& training, int now) { return (sum += training * now) < 20; }
    void end(int& training) { training += 10; }
  } sees;
  auto plain = [](int now) { return now < 2; };
  int training = 5;
  mlp::detail::begin(plain, training);
  mlp::detail::begin(sees, training);
  CHECK(training == 6);
  CHECK(!mlp::detail::goes_on(plain, training, 2));
  CHECK(mlp::detail::goes_on(sees, training, 2));
  CHECK(!mlp::detail::goes_on(sees, training, 2));
  mlp::detail::end(plain, training);
  mlp::detail::end(sees, training);
  CHECK(training == 16);
}
