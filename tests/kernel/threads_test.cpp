#include <mlp/mlp.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

using namespace mlp;

#ifndef _OPENMP
#error "this test is about OpenMP's threads"
#endif

namespace {

// Numbers whose sums depend on the order.
Matrix<float> fractions(Index rows, Index cols, float phase) {
  return Matrix<float>::NullaryExpr(rows, cols, [=](Index i, Index j) {
    return std::sin(1.3f * static_cast<float>(i + j * rows) + phase);
  });
}

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

using Net = Mlp<SoftmaxCrossEntropy, Dense<100, 160, Tanh>, Dense<160, 7>>;

Dataset<Labels> classes(Index n) {
  Dataset<Labels> data{fractions(100, n, 0), Labels(n)};
  for (Index i = 0; i < n; ++i) data.t(i) = static_cast<int>(i * i % 7);
  return data;
}

}  // namespace

TEST_CASE("share: ranges that make up the whole, cut at multiples of the unit") {
  for (const Index n : {0, 1, 15, 16, 17, 100, 256}) {
    for (const Index parts : {1, 2, 3, 7}) {
      CAPTURE(n);
      CAPTURE(parts);
      std::vector<int> seen(static_cast<std::size_t>(n));
      detail::parallel_for(n, 16, parts, [&](Index begin, Index end) {
        if (begin % 16 != 0 || (end % 16 != 0 && end != n)) throw std::logic_error("cut within a unit");
        for (Index i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      CHECK(seen == std::vector<int>(static_cast<std::size_t>(n), 1));
    }
  }
}

TEST_CASE("share: an exception in one thread reaches the caller") {
  CHECK_THROWS_AS(detail::parallel_for(100, 1, 4,
                                       [](Index begin, Index) {
                                         if (begin > 0) throw std::out_of_range("not the first");
                                       }),
                  std::out_of_range);
}

TEST_CASE("parts_of: one part for little work and within a parallel region") {
  omp_set_num_threads(3);
  CHECK(detail::part_count(1999, 1000) == 1);
  CHECK(detail::part_count(2000, 1000) == 2);
  CHECK(detail::part_count(9000, 1000) == 3);
  Index within = 0;
#pragma omp parallel num_threads(2)
  {
#pragma omp master
    within = detail::part_count(9000, 1000);
  }
  CHECK(within == 1);
}

#if !defined(EIGEN_USE_BLAS) && !defined(MLP_USE_ONEDNN)
// More parts than this machine may have processors: only the cuts matter.
TEST_CASE("products give the same bits in any number of parts") {
  const Index shapes[][3] = {{320, 64, 200}, {64, 320, 200}, {97, 50, 130},
                             {50, 97, 301},  {333, 21, 17},  {10, 64, 128}};
  for (const auto& shape : shapes) {
    const Index m = shape[0], n = shape[1], k = shape[2];
    CAPTURE(m);
    CAPTURE(n);
    const Matrix<float> a = fractions(m, k, 0), b = fractions(k, n, 1), a_t = a.transpose(),
                        b_t = b.transpose(), bias = fractions(m, 1, 2);
    const auto check = [&](const auto& left, const auto& right) {
      for (const float* start : {static_cast<const float*>(nullptr), bias.data()}) {
        Matrix<float> expected(m, n), found(m, n);
        auto whole = view(expected), cut = view(found);
        detail::large_product(left, right, start, whole, 1);
        for (const Index parts : {2, 3, 4, 7}) {
          found.setConstant(-1);
          detail::large_product(left, right, start, cut, parts);
          CHECK(found == expected);
        }
      }
    };
    check(view(a), view(b));
    check(view(a_t).transpose(), view(b));
    check(view(a), view(b_t).transpose());
  }
}

#endif

TEST_CASE("for_each_tile gives the same bits with any number of threads") {
  const auto visit = [](int threads) {
    omp_set_num_threads(threads);
    Matrix<float> a = fractions(100'003, 1, 0);
    for_each_tile([](auto& tile) { tile = tile.tanh(); }, view(a));
    return a;
  };
  CHECK(detail::part_count(100'003, 32'768) > 1);
  CHECK(visit(3) == visit(1));
}

TEST_CASE("training and prediction give the same bits with any number of threads") {
  const Dataset<Labels> data = classes(600);
  const auto train = [&](int threads) {
    omp_set_num_threads(threads);  // Trainer uses OpenMP's setting
    Rng rng{1};
    Net net;
    net.initialize(rng);
    Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9});
    for (Index i = 0; i < 4; ++i) trainer.step(data.x.middleCols(100 * i, 150), data.t.segment(100 * i, 150));
    return net;
  };
  const Net expected = train(1);
  const Matrix<float> predictions = expected.predict(data.x);
  for (const int threads : {2, 3, 5}) {
    CAPTURE(threads);
    CHECK(train(threads).parameters() == expected.parameters());
    CHECK(expected.predict(data.x) == predictions);
  }
}

TEST_CASE("fit: the same bits with any number of threads, and OpenMP's setting is restored") {
  const Dataset<Labels> data = classes(400);
  const auto train = [&](int threads) {
    Rng rng{1};
    Net net;
    net.initialize(rng);
    fit(net, data, Sgd{.learning_rate = 0.1}, {.epochs = 1, .batch_size = 70, .seed = 3, .threads = threads});
    return net;
  };
  omp_set_num_threads(3);
  const Net expected = train(1);
  for (const int threads : {0, 2, 4}) {
    CAPTURE(threads);
    CHECK(train(threads).parameters() == expected.parameters());
    CHECK(omp_get_max_threads() == 3);
  }
  CHECK_THROWS_AS(train(-1), std::invalid_argument);
}
