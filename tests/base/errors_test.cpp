#include <mlp/base/errors.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

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

TEST_CASE("text_of: no sign before a nan") {
  CHECK(detail::text_of(-std::numeric_limits<double>::quiet_NaN()) == "nan");
  CHECK(detail::text_of(0.5) == "0.500000");
}
