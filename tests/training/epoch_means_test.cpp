#include <mlp/training/epoch_means.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using mlp::detail::EpochMeans;

TEST_CASE("means of an epoch: by hand") {
  EpochMeans means;
  CHECK(means.loss() == 0);
  CHECK(std::isnan(means.gradient_norm()));
  means.after_batch(3, 1);
  means.after_batch(1, 3);
  CHECK(means.loss() == 1.5);  // (3 * 1 + 1 * 3) / 4
  means.before_step(2);
  means.before_step(5);
  CHECK(means.gradient_norm() == 3.5);
  means.begin_epoch();
  means.after_batch(7, 0);  // a batch in which no sample counts
  CHECK(means.loss() == 0);
  CHECK(std::isnan(means.gradient_norm()));
}

TEST_CASE("means of an epoch: restored from the state and the number of steps") {
  EpochMeans means, other;
  means.after_batch(3, 1);
  means.after_batch(1, 3);
  means.before_step(2);
  std::vector<double> state;
  means.each_state(means, [&](const char*, double value) { state.push_back(value); });
  CHECK(state == std::vector<double>{6, 4, 2});
  std::size_t i = 0;
  other.each_state(other, [&](const char*, double& value) { value = state[i++]; });
  other.restore(1);
  CHECK(other.loss() == means.loss());
  CHECK(other.gradient_norm() == means.gradient_norm());
}
