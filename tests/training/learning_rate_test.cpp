#include <mlp/training/learning_rate.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <stdexcept>
#include <type_traits>

#include "message_of.hpp"

using namespace mlp;
using detail::LearningRate;

TEST_CASE("learning rate: the optimizer's, times the schedule's factor") {
  struct {
    double learning_rate = 0.5;
  } optimizer;
  double* const rate = detail::learning_rate_of(optimizer);
  REQUIRE(rate == &optimizer.learning_rate);
  LearningRate learning_rate(rate, [](Index step) { return 1 / static_cast<double>(step); });
  CHECK(learning_rate.before_step(4) == 0.125);
  CHECK(optimizer.learning_rate == 0.125);
  CHECK(learning_rate.before_step(2) == 0.25);  // of the rate at the start, not of the step before
  CHECK(LearningRate(rate, {}).before_step(7) == 0.25);
}

TEST_CASE(
    "learning rate: a schedule is shown the validation loss, else the training loss, and restored from it") {
  const auto rate_after = [](const History& history, bool restored) {
    double rate = 1;
    LearningRate learning_rate(&rate, ReduceOnPlateau{.factor = 0.5, .patience = 0});
    History so_far;
    for (std::size_t i = 0; i < history.loss.size(); ++i) {
      so_far.loss.push_back(history.loss[i]);
      if (!history.validation_loss.empty()) so_far.validation_loss.push_back(history.validation_loss[i]);
      learning_rate.after_epoch(so_far);
    }
    if (restored) learning_rate.restore(history);
    return learning_rate.before_step(1);
  };
  History history;
  history.loss = {4, 3, 2, 1};
  for (const bool restored : {false, true}) {
    history.validation_loss.clear();
    CHECK(rate_after(history, restored) == 1);
    history.validation_loss = {1, 2, 2, 0.5};
    CHECK(rate_after(history, restored) == 0.25);
  }
}

TEST_CASE("learning rate: an optimizer without one takes no schedule") {
  struct {
    float learning_rate = 1;  // not a double
  } optimizer;
  CHECK(detail::learning_rate_of(optimizer) == nullptr);
  CHECK(std::isnan(LearningRate(nullptr, {}).before_step(1)));
  CHECK(message_of<std::invalid_argument>([] { LearningRate(nullptr, ConstantSchedule{}); }) ==
        "fit: expected an optimizer with a learning_rate for the schedule, found none");
}
