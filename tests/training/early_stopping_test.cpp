#include <mlp/training/early_stopping.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace mlp;

namespace {

using Stopping = detail::EarlyStopping<Vector<float>>;

// Epoch after epoch with these losses; theta and the state are the epoch's number. Returns how many epochs there are
// until the run is over.
Index epochs_of(Stopping& stopping, History& history, const std::vector<double>& losses) {
  Index epoch = 0;
  for (const double loss : losses) {
    if (stopping.run_is_over(history)) break;
    ++epoch;
    history.validation_loss.push_back(loss);
    stopping.after_epoch(history, Vector<float>::Constant(2, static_cast<float>(epoch)),
                         Vector<float>::Constant(1, static_cast<float>(10 * epoch)));
  }
  return epoch;
}

Stopping new_stopping(std::optional<Index> patience, double min_delta = 0) {
  return Stopping(patience, min_delta, Vector<float>::Zero(2), Vector<float>::Zero(1));
}

}  // namespace

TEST_CASE("early stopping: over after `patience` epochs without a new best one, which it puts back") {
  Stopping stopping = new_stopping(2);
  History history;
  CHECK(!stopping.has_best(history));
  CHECK(epochs_of(stopping, history, {3, 1, 2, 0.5, 0.5, 0.75, 0.25}) == 6);
  CHECK(stopping.run_is_over(history));
  CHECK(history.best_epoch == 4);
  REQUIRE(stopping.has_best(history));
  Vector<float> theta(2), state(1);
  stopping.put_back(theta, state);
  CHECK(theta == Vector<float>::Constant(2, 4));
  CHECK(state == Vector<float>::Constant(1, 40));
}

TEST_CASE("early stopping: an improvement of min_delta is none") {
  Stopping stopping = new_stopping(5, 0.5);
  History history;
  epochs_of(stopping, history, {2, 1.5, 1.25, 0.75});
  CHECK(history.best_epoch == 3);
}

TEST_CASE("early stopping: without a finite loss there is no best epoch") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  Stopping stopping = new_stopping(2);
  History history;
  CHECK(epochs_of(stopping, history, {nan, std::numeric_limits<double>::infinity(), 1}) == 2);
  CHECK(history.best_epoch == 0);
  CHECK(!stopping.has_best(history));
}

TEST_CASE("early stopping: without patience only the best epoch is found") {
  Stopping stopping = new_stopping({});
  History history;
  CHECK(epochs_of(stopping, history, {1, 2, 3, 4}) == 4);
  CHECK(!stopping.run_is_over(history));
  CHECK(history.best_epoch == 1);
  CHECK(!stopping.has_best(history));
  int values = 0;
  stopping.each_state(stopping, [&](const char*, const auto&) { ++values; });
  CHECK(values == 0);
}

TEST_CASE("early stopping: its state, and that of a network without one") {
  std::string names;
  const auto add_name = [&](const char* name, const auto&) { names += std::string(name) + ' '; };
  const Stopping stopping = new_stopping(1);
  stopping.each_state(stopping, add_name);
  const Stopping stateless(1, 0, Vector<float>::Zero(2), Vector<float>());
  stateless.each_state(stateless, add_name);
  CHECK(names == "best_parameters best_state best_parameters ");
}
