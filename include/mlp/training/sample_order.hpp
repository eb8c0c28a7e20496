#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>

#include <cstddef>
#include <numeric>
#include <vector>

namespace mlp::inline MLP_ABI::detail {

/// The order of the samples in an epoch: the order of the epoch before, shuffled; at first 0, 1, 2, ...
/// It needs no place in a checkpoint: it follows from the random numbers at the start of the run and the
/// number of epochs.
class SampleOrder {
 public:
  SampleOrder(Index samples, const Rng& rng) : first_rng_(rng), order_(static_cast<std::size_t>(samples)) {
    restore(0);
  }

  void begin_epoch() { rng_.shuffle(order_); }

  /// The order in which that epoch goes through the samples.
  void restore(Index epoch) {
    rng_ = first_rng_;
    std::iota(order_.begin(), order_.end(), Index{0});
    for (Index i = 0; i < epoch; ++i) begin_epoch();
  }

  /// The indices of the samples, from the given place in the order on.
  const Index* from(Index place) const { return order_.data() + place; }

 private:
  Rng first_rng_, rng_;
  std::vector<Index> order_;
};

}  // namespace mlp::inline MLP_ABI::detail
