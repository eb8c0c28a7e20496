#include <mlp/training/sample_order.hpp>

#include <mlp/base/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace mlp;

TEST_CASE("order of samples: each once, in a new order each epoch, restored from the number of epochs") {
  constexpr Index n = 20;
  const auto copy = [](const detail::SampleOrder& order) {
    return std::vector<Index>(order.from(0), order.from(0) + n);
  };
  std::vector<Index> sorted(n);
  for (Index i = 0; i < n; ++i) sorted[static_cast<std::size_t>(i)] = i;

  detail::SampleOrder order(n, Rng{3});
  CHECK(copy(order) == sorted);
  std::vector<std::vector<Index>> epochs;
  for (Index epoch = 1; epoch <= 3; ++epoch) {
    order.begin_epoch();
    CHECK(std::is_permutation(sorted.begin(), sorted.end(), order.from(0)));
    CHECK(std::find(epochs.begin(), epochs.end(), copy(order)) == epochs.end());
    epochs.push_back(copy(order));
    detail::SampleOrder restored(n, Rng{3});
    restored.begin_epoch();  // it does not depend on where it was before
    restored.restore(epoch);
    CHECK(copy(restored) == copy(order));
  }
  CHECK(*order.from(5) == epochs.back()[5]);
  order.restore(2);
  order.begin_epoch();
  CHECK(copy(order) == epochs.back());
}
