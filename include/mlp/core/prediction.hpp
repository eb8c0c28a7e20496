#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/threads.hpp>

#include <algorithm>

/// What a network's predictions need beside its layers.
namespace mlp::inline MLP_ABI::detail {

// Calls f(scratch, begin, count) for pieces of the samples whose activations stay in the cache, by several threads if
// there is enough work. Each thread has a Scratch of its own.
template <class Scratch, class F>
void for_each_piece(Index samples, Index work_per_sample, F&& f) {
  constexpr Index piece = 128;
  const Index parts = part_count(samples * work_per_sample, 262'144);
  parallel_for(samples, piece, parts, [&](Index begin, Index end) {
    Scratch scratch;
    for (Index j = begin; j < end; j += piece) f(scratch, j, (std::min)(piece, end - j));
  });
}

// The class of each column of p: the row of the largest prediction; with a single row, 1 above the threshold, else 0.
template <class P>
Labels predicted_labels(const P& p, typename P::Scalar threshold) {
  Labels labels(p.cols());
  for (Index j = 0; j < p.cols(); ++j) {
    Index best = 0;
    if (p.rows() == 1) {
      best = p(0, j) > threshold;
    } else {
      p.col(j).maxCoeff(&best);
    }
    labels(j) = static_cast<int>(best);
  }
  return labels;
}

}  // namespace mlp::inline MLP_ABI::detail
