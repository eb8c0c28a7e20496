#include <mlp/training/history.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

#include "message_of.hpp"

using namespace mlp;

TEST_CASE("history: an entry per epoch") {
  History history;
  CHECK(!history.latest_validation());
  Progress now;
  for (const double x : {1.0, 2.0}) {
    now.loss = x;
    now.seconds = 10 * x;
    now.learning_rate = 100 * x;
    history.after_validation({-x, x / 4});
    history.after_epoch(now, 1000 * x);
  }
  CHECK(history.loss == std::vector<double>{1, 2});
  CHECK(history.seconds == std::vector<double>{10, 20});
  CHECK(history.learning_rate == std::vector<double>{100, 200});
  CHECK(history.gradient_norm == std::vector<double>{1000, 2000});
  CHECK(history.latest_validation()->loss == -2);
  CHECK(history.latest_validation()->accuracy == 0.5);
}

TEST_CASE("history: one from a checkpoint has entries for all epochs, and no others") {
  History history;
  history.after_epoch({}, 1);
  const auto error = [&](Index epochs, Index validations) {
    return message_of<std::runtime_error>(
        [&] { detail::check_restored("FILE", history, epochs, validations); });
  };
  CHECK(error(1, 0) == "no such exception");
  CHECK(error(2, 0) == "FILE: expected epochs of history.loss in [2, 2], found 1");
  CHECK(error(1, 1) == "FILE: expected epochs of history.validation_loss in [1, 1], found 0");
  history.best_epoch = 1;
  CHECK(error(1, 0) == "FILE: expected history.best_epoch in [0, 0], found 1");
}
