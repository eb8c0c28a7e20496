#include <mlp/core/prediction.hpp>

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace mlp;

TEST_CASE("predicted_labels: the largest row, or above the threshold") {
  const Matrix<float> p{{0.2f, 0.5f, 0.1f}, {0.7f, 0.3f, 0.1f}, {0.1f, 0.2f, 0.8f}};
  CHECK(detail::predicted_labels(p, 0.5f) == Labels{{1, 0, 2}});
  const Matrix<float> one{{0.5f, 0.51f, -1}};
  CHECK(detail::predicted_labels(one, 0.5f) == Labels{{0, 1, 0}});
  CHECK(detail::predicted_labels(one, -2.f) == Labels{{1, 1, 1}});
}

TEST_CASE("for_each_piece: all samples, in pieces of 128") {
  struct Scratch {};
  std::vector<std::pair<Index, Index>> seen;
  detail::for_each_piece<Scratch>(
      257, 1, [&](Scratch&, Index begin, Index count) { seen.emplace_back(begin, count); });
  CHECK(seen == std::vector<std::pair<Index, Index>>{{0, 128}, {128, 128}, {256, 1}});
  seen.clear();
  detail::for_each_piece<Scratch>(
      0, 1, [&](Scratch&, Index begin, Index count) { seen.emplace_back(begin, count); });
  CHECK(seen.empty());
}
