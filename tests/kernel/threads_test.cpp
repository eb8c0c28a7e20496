#include <mlp/base/views.hpp>
#include <mlp/mlp.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

using namespace mlp;

#ifndef _OPENMP
#error "this test needs OpenMP's threads"
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

TEST_CASE("parallel_for: ranges that make up the whole, cut at multiples of the unit") {
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

TEST_CASE("parallel_for: the caller gets the exception of any thread") {
  CHECK_THROWS_AS(detail::parallel_for(100, 1, 4,
                                       [](Index begin, Index) {
                                         if (begin > 0) throw std::out_of_range("not the first");
                                       }),
                  std::out_of_range);
}

TEST_CASE("part_count: 1 for little work, and inside a parallel region") {
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
    omp_set_num_threads(threads);  // Trainer uses OpenMP's number
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

TEST_CASE("infer: pieces of samples are cut at the same places for any number of threads") {
  Rng rng{1};
  Net net;
  net.initialize(rng);
  for (const Index n : {255, 256, 257, 300, 512, 513, 700}) {
    CAPTURE(n);
    const Matrix<float> x = classes(n).x;
    omp_set_num_threads(1);
    const Matrix<float> expected = net.infer(x);
    // Whatever the others are, a sample is one of a piece of 256, and its outputs lie in its column.
    for (Index j = 0; j < n; j += 256) {
      const Index count = std::min<Index>(256, n - j);
      CHECK(expected.middleCols(j, count) == net.infer(x.middleCols(j, count)));
    }
    for (const Index j : {Index{0}, Index{200}, n - 1}) {
      CHECK((expected.col(j) - net.infer(x.col(j))).cwiseAbs().maxCoeff() <= 1e-5f);
    }
    for (const int threads : {2, 3, 4}) {
      CAPTURE(threads);
      omp_set_num_threads(threads);
      CHECK(net.infer(x) == expected);
    }
  }
}

TEST_CASE("fit: no more threads than its option says") {
  const Dataset<Labels> data = classes(60);
  Net net;
  omp_set_num_threads(3);
  for (const int threads : {1, 2, 3, 0}) {
    CAPTURE(threads);
    int most = 0;  // some of the first steps are taken by as many as there may be
    fit(net, data, Sgd{.learning_rate = 0.1}, {.epochs = 1, .batch_size = 3, .threads = threads},
        [&](const Progress&) { most = std::max(most, omp_get_max_threads()); });
    CHECK(most == std::min(threads == 0 ? 3 : threads, omp_get_num_procs()));
    CHECK(omp_get_max_threads() == 3);
  }
}

TEST_CASE("fit: the same bits with any number of threads, and OpenMP's number as before") {
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
