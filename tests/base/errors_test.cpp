#include <mlp/base/errors.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

#include "message_of.hpp"

using namespace mlp;

TEST_CASE("check_option: names the option, and refuses a nan") {
  const double rate = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<std::invalid_argument>([] {
          detail::check_option(-1 > 0, "Sgd", "learning_rate > 0", -1);
        }) == "Sgd: expected learning_rate > 0, found -1");
  CHECK_THROWS_AS(detail::check_option(rate > 0, "Sgd", "learning_rate > 0", rate), std::invalid_argument);
  CHECK_NOTHROW(detail::check_option(1 > 0, "Sgd", "learning_rate > 0", 1));
}

TEST_CASE("check_equal: both numbers") {
  CHECK_NOTHROW(detail::check_equal(2, 2, "mlp", " rows"));
  CHECK(message_of<std::invalid_argument>([] { detail::check_equal(3, 2, "mlp", " rows"); }) ==
        "mlp: expected 2 rows, found 3");
}

TEST_CASE("check_labels: the first label out of range") {
  const Labels t = Labels{{0, 2, 3, -1}};
  CHECK_NOTHROW(detail::check_labels("Loss", 3, t.head(2)));
  CHECK(message_of<std::invalid_argument>([&] { detail::check_labels("Loss", 3, t); }) ==
        "Loss: expected labels in [0, 3), found 3 for sample 2");
  CHECK_THROWS_AS(detail::check_labels("Loss", 4, t), std::invalid_argument);
  CHECK_NOTHROW(detail::check_labels("Loss", 1, Matrix<float>(Matrix<float>::Ones(2, 2))));
}

TEST_CASE("message: texts and numbers, one after the other") {
  const std::string text = "b";
  CHECK(detail::message({"a", text, std::string_view("cd").substr(1), -3, std::size_t{4}, Index{5}}) ==
        "abd-345");
  CHECK(detail::message({0.5, " ", 1e-9f, " ", -2., " ", -std::numeric_limits<double>::quiet_NaN(), " ",
                         -std::numeric_limits<double>::infinity()}) == "0.5 1e-09 -2 nan -inf");
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  CHECK(detail::message({largest}) == "18446744073709551615");
  CHECK(detail::message({}).empty());
}
