#include <mlp/core/traits.hpp>

#include "message_of.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace mlp;

namespace {

struct Plain {};

struct Constant {
  static constexpr double threshold = 0.25;
  static constexpr Index outputs_per_target = 2;
};

struct ChosenAtRunTime {
  Index each;
  double threshold() const { return 0.75; }
  Index outputs_per_target() const { return each; }
  void validate() const {
    if (each == 7) throw std::invalid_argument("seven");
  }
  void validate(Index outputs) const {
    if (outputs == 8) throw std::invalid_argument("eight outputs");
  }
};

struct Quiet {
  void infer(const auto&, const auto&, auto&) const noexcept {}
  void to_prediction(auto&) const noexcept {}
};
struct QuietWithState {
  void infer(const auto&, const auto&, const auto&, auto&) const noexcept {}
};
struct Loud {
  void infer(const auto&, const auto&, auto&) const {}
  void to_prediction(auto&) const {}
};

}  // namespace

TEST_CASE("threshold and outputs_per_target: a constant, a member function, or the default") {
  static_assert(detail::threshold(Plain{}) == 0.5 && detail::threshold(Constant{}) == 0.25);
  CHECK(detail::threshold(ChosenAtRunTime{1}) == 0.75);
  static_assert(detail::outputs_per_target(Plain{}) == 1 && detail::outputs_per_target(Constant{}) == 2);
  CHECK(detail::outputs_per_target(ChosenAtRunTime{3}) == 3);
  static_assert(detail::static_targets<Plain>(6) == 6 && detail::static_targets<Constant>(6) == 3);
  static_assert(detail::static_targets<Constant>(Dynamic) == Dynamic);
}

TEST_CASE("validate_loss: its own options, with and without the number of outputs, and whole targets") {
  CHECK_NOTHROW(detail::validate_loss(Plain{}, 3));
  CHECK_NOTHROW(detail::validate_loss(Constant{}, 4));
  CHECK(message_of([] { detail::validate_loss(Constant{}, 3); }) ==
        "mlp: expected 2 outputs for each target, or a multiple, found 3");
  CHECK(message_of([] { detail::validate_loss(ChosenAtRunTime{7}, 7); }) == "seven");
  CHECK(message_of([] { detail::validate_loss(ChosenAtRunTime{1}, 8); }) == "eight outputs");
}

TEST_CASE("what is noexcept in a layer or a loss is seen") {
  static_assert(detail::InfersWithoutThrowing<Quiet, float>);
  static_assert(detail::InfersWithoutThrowing<QuietWithState, float>);
  static_assert(!detail::InfersWithoutThrowing<Loud, float>);
  static_assert(detail::PredictsWithoutThrowing<Quiet, float> &&
                !detail::PredictsWithoutThrowing<Loud, float>);
}
