#include <mlp/training/fit_options.hpp>

#include <doctest/doctest.h>

#include "message_of.hpp"

using namespace mlp;

// What fit refuses is in fit_test.cpp; here, what depends on validation data.

TEST_CASE("options: batches and steps, the last ones smaller") {
  const FitOptions options{.epochs = 3, .batch_size = 8, .accumulate = 2};
  CHECK(options.batches_per_epoch(1) == 1);
  CHECK(options.batches_per_epoch(16) == 2);
  CHECK(options.batches_per_epoch(17) == 3);
  CHECK(options.steps_per_epoch(16) == 1);
  CHECK(options.steps_per_epoch(17) == 2);
  CHECK(options.steps(17) == 6);
}

TEST_CASE("options: validation from one place, and some for patience") {
  const auto error = [](const FitOptions& options, bool has_validation) {
    return message_of([&] { detail::check_fit_options(options, has_validation); });
  };
  CHECK(error({}, false) == "no such exception");
  CHECK(error({.patience = 1}, true) == "no such exception");
  CHECK(error({.validation_fraction = 0.5, .patience = 1}, false) == "no such exception");
  CHECK(error({.validation_fraction = 0.5}, true) ==
        "fit: expected validation data or a validation_fraction, found both");
  CHECK(error({.patience = 1}, false) ==
        "fit: expected validation data or a validation_fraction for patience to watch, found none");
}
