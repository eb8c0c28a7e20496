#include <mlp/loss/weight_options.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "message_of.hpp"

using namespace mlp;

TEST_CASE("check_weights_option: finite numbers >= 0") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto message = [](const std::vector<double>& weights) {
    return message_of([&] { detail::check_weights_option("Loss: expected weights", weights); });
  };
  CHECK_NOTHROW(detail::check_weights_option("", {}));
  CHECK_NOTHROW(detail::check_weights_option("", {0, 1, std::numeric_limits<double>::max()}));
  CHECK(message({1, -0.5}) == "Loss: expected weights that are finite and >= 0, found -0.5 at index 1");
  CHECK(message({infinity}) == "Loss: expected weights that are finite and >= 0, found inf at index 0");
  CHECK(message({0, 0, std::numeric_limits<double>::quiet_NaN()}).ends_with("found nan at index 2"));
}

TEST_CASE("check_weight_count: none, or one for each output") {
  const auto message = [](const std::vector<double>& weights) {
    return message_of([&] { detail::check_weight_count("Loss: expected weights", weights, 3, " classes"); });
  };
  CHECK_NOTHROW(detail::check_weight_count("", {}, 3, ""));
  CHECK_NOTHROW(detail::check_weight_count("", {1, 2, 3}, 3, ""));
  CHECK(message({1, 2}) == "Loss: expected weights for 3 classes, found 2");
}
