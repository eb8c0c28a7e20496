#include <mlp/training/validation_split.hpp>

#include <mlp/base/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include "message_of.hpp"

using namespace mlp;

TEST_CASE("validation split: every sample is kept or used, and neither side is empty") {
  Dataset<Labels> data{Matrix<float>(1, 10), Labels(10)};
  data.x.row(0).setLinSpaced(10, 0, 9);
  data.t.setLinSpaced(10, 0, 9);
  Rng rng{1};
  const auto [kept, used] = detail::split_validation(data, 0.3, rng);
  CHECK(kept.size() == 3);
  CHECK(used.size() == 7);
  CHECK(kept.x.row(0) == kept.t.transpose().cast<float>());
  Labels all(10);
  all << kept.t, used.t;
  std::sort(all.data(), all.data() + 10);
  CHECK(all == data.t);

  CHECK(message_of([&] { detail::split_validation(data, 0.04, rng); }) ==
        "fit: expected a validation_fraction that leaves samples on both sides, found 0.04 of 10 samples");
  CHECK(message_of([&] { detail::split_validation(data, 0.96, rng); }) ==
        "fit: expected a validation_fraction that leaves samples on both sides, found 0.96 of 10 samples");
}
