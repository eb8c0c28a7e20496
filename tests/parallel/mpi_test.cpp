#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/parallel/mpi.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Net = Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>>;
using DoubleNet = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>>;

// This rank's samples of a dataset, dealt round-robin.
Dataset<Labels> dealt(const Dataset<Labels>& data) {
  const mpi::World world;
  std::vector<Index> mine;
  for (Index j = world.rank; j < data.size(); j += world.size) mine.push_back(j);
  return {data.x(Eigen::all, mine), data.t(mine)};
}

// Whether a vector has the same bits on all ranks (and holds no nan).
template <class V>
bool same_on_all_ranks(const V& here) {
  Vector<typename V::Scalar> first = here;
  mpi::detail::broadcast(first.data(), first.size(), MPI_COMM_WORLD);
  double same = first == here;
  mpi::detail::add_up(&same, 1, MPI_COMM_WORLD);
  return same == mpi::World().size;
}

const Sgd optimizer{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-3};
const FitOptions options{.epochs = 5, .batch_size = 16, .seed = 3};

}  // namespace

TEST_CASE_TEMPLATE("one rank alone gives the bits of mlp::fit", N, Net, DoubleNet) {
  N alone = initialized<N>(), expected = alone;
  const auto data = clusters<typename N::Scalar>(103);
  const History history = mpi::fit(alone, data, optimizer, options, MPI_COMM_SELF);
  CHECK(history.loss == fit(expected, data, optimizer, options).loss);
  CHECK(alone.parameters() == expected.parameters());

  mpi::Trainer trainer(alone, optimizer, Rng{}, MPI_COMM_SELF);
  Trainer plain(expected, optimizer);
  for (int step = 0; step < 50; ++step) CHECK(trainer.step(data.x, data.t) == plain.step(data.x, data.t));
}

// Softmax regression is convex, and a gradient step on a convex function moves no two points apart if the
// learning rate is at most 2 / L; here L <= max(|x|^2 + 1) / 2. The errors of the steps therefore only add
// up.
TEST_CASE("the loss curve and the parameters equal those of one process, up to rounding") {
  using Linear = Mlp<SoftmaxCrossEntropy, Dense<2, 3>>;
  Linear net = initialized<Linear>(), expected = net;
  const Vector<float> start = net.parameters();
  const Dataset<Labels> data = clusters(103);
  const Sgd sgd{.learning_rate = 0.1};
  const double size_of_sample = std::sqrt(data.x.colwise().squaredNorm().maxCoeff() + 1);
  REQUIRE(sgd.learning_rate <= 4 / (size_of_sample * size_of_sample));

  const History found = mpi::fit(net, data, sgd, options);
  const History truth = fit(expected, data, sgd, options);

  const double epsilon = std::numeric_limits<float>::epsilon();
  const double batch = static_cast<double>(options.batch_size), steps = 5 * 7;
  // An entry of the gradient is a mean of `batch` products of p - t and x, each at most |x|. Its sum has at
  // most `batch` roundings, however the ranks divide it, and exp, p, products and weights have 16. A step
  // changes an entry of theta by at most the rate times |x|, with two roundings. Both programs round, hence
  // the factor 2.
  const double entries = std::sqrt(static_cast<double>(net.parameter_count()));
  const double most = start.cwiseAbs().maxCoeff() + steps * sgd.learning_rate * size_of_sample;
  const double of_step =
      2 * entries * epsilon * (sgd.learning_rate * (batch + 16) * size_of_sample + 2 * most);
  const double bound = steps * of_step;
  CHECK((net.parameters() - expected.parameters()).norm() <= bound);
  CHECK(bound <= 2e-3);

  // The loss has a slope of at most sqrt(2) |x|, and its own sum has as many terms.
  REQUIRE(found.loss.size() == truth.loss.size());
  for (std::size_t i = 0; i < truth.loss.size(); ++i) {
    const double own = 2 * epsilon * (batch + 16) * truth.loss[0];
    CHECK(std::abs(found.loss[i] - truth.loss[i]) <= std::sqrt(2) * size_of_sample * bound + own);
  }
  CHECK(found.loss.back() <= 0.5 * found.loss.front());
}

TEST_CASE("all ranks end with the same bits, and so does a second run") {
  const Dataset<Labels> data = clusters(103);
  Net net = initialized<Net>(), again = net;
  const History history = mpi::fit(net, data, optimizer, options);
  const History second = mpi::fit(again, data, optimizer, options);
  CHECK(net.parameters() == again.parameters());
  CHECK(history.loss == second.loss);
  CHECK(same_on_all_ranks(net.parameters()));
  CHECK(same_on_all_ranks(Eigen::Map<const Vector<double>>(history.loss.data(), 5)));
  CHECK(evaluate(net, data).accuracy >= 0.95);
}

TEST_CASE("weights, accumulated batches and validation: as one process, up to rounding") {
  using Linear = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 3>>;
  Linear net = initialized<Linear>(), expected = net;
  Dataset<Labels, double> data = clusters<double>(103), validation = clusters<double>(20);
  data.weights = Vector<double>::LinSpaced(103, 0, 3);
  const FitOptions all{
      .epochs = 4, .batch_size = 16, .seed = 3, .accumulate = 3, .clip_norm = 0.5, .patience = 2};
  const History found = mpi::fit(net, data, validation, optimizer, all);
  const History truth = fit(expected, data, validation, optimizer, all);
  CHECK(net.parameters().isApprox(expected.parameters(), 1e-12));
  CHECK(same_on_all_ranks(net.parameters()));
  REQUIRE(found.validation_loss.size() == truth.validation_loss.size());
  for (std::size_t i = 0; i < truth.loss.size(); ++i) {
    CHECK(found.loss[i] == doctest::Approx(truth.loss[i]).epsilon(1e-12));
    CHECK(found.validation_loss[i] == doctest::Approx(truth.validation_loss[i]).epsilon(1e-12));
    CHECK(found.gradient_norm[i] == doctest::Approx(truth.gradient_norm[i]).epsilon(1e-12));
  }
}

TEST_CASE("the state is the mean of the ranks' states") {
  using Normed = BasicMlp<double, SoftmaxCrossEntropy, BatchNorm<2>, Dense<2, 3>>;
  Normed net = initialized<Normed>();
  const Dataset<Labels> data = clusters(96);
  const Dataset<Labels> mine = dealt(data);
  mpi::Trainer trainer(net, optimizer);
  trainer.step(mine.x.cast<double>(), mine.t);
  CHECK(same_on_all_ranks(net.state()));
  // Equal numbers of samples: the mean of the means is the mean of all.
  const Vector<double> mean = 0.1 * data.x.cast<double>().rowwise().mean();
  CHECK((net.state().head(2) - mean).cwiseAbs().maxCoeff() <= 1e-14);
}

TEST_CASE("the ranks start from rank 0's parameters") {
  Net net = initialized<Net>(1 + static_cast<std::uint64_t>(mpi::World().rank));
  mpi::Trainer trainer(net, optimizer);
  CHECK(net.parameters() == initialized<Net>(1).parameters());
}

TEST_CASE("the ranks draw different random numbers, rank 0 those of the given generator") {
  const auto [rank, size] = mpi::World();
  Rng mine = mpi::detail::share(Rng{static_cast<std::uint64_t>(rank) + 5}, MPI_COMM_WORLD);
  if (rank == 0) CHECK(mine == Rng{5});
  std::vector<double> first(static_cast<std::size_t>(size));
  first[static_cast<std::size_t>(rank)] = mine.uniform();
  mpi::detail::add_up(first.data(), size, MPI_COMM_WORLD);
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < i; ++j)
      CHECK(first[static_cast<std::size_t>(i)] != first[static_cast<std::size_t>(j)]);
  }
}

TEST_CASE("a batch may have fewer samples than there are ranks") {
  const Dataset<Labels> data = clusters(7);
  for (const Index batch : {Index{1}, Index{3}}) {
    Net net = initialized<Net>(), expected = net;
    const FitOptions few{.epochs = 2, .batch_size = batch, .seed = 3};
    const History history = mpi::fit(net, data, optimizer, few);
    CHECK(same_on_all_ranks(net.parameters()));
    const History truth = fit(expected, data, optimizer, few);
    CHECK(net.parameters().isApprox(expected.parameters(), 1e-4f));
    CHECK(std::abs(history.loss[1] - truth.loss[1]) <= 1e-4);
  }
}

TEST_CASE("a Trainer accepts a shard of any size on each rank") {
  for (const Index samples : {Index{1}, Index{10}}) {
    const Dataset<Labels> data = clusters(samples), mine = dealt(data);
    Net net = initialized<Net>(), whole = net;
    mpi::Trainer trainer(net, Sgd{.learning_rate = 0.1});
    Trainer expected(whole, Sgd{.learning_rate = 0.1});
    // As above: at most 10 + 16 roundings of terms of at most 3.
    const float bound = 3 * 26 * std::numeric_limits<float>::epsilon();
    for (Index step = 1; step <= 3; ++step) {
      const float loss = trainer.step(mine.x, mine.t), truth = expected.step(data.x, data.t);
      CHECK(std::abs(loss - truth) <= bound);
      CHECK((trainer.gradient() - expected.gradient()).cwiseAbs().maxCoeff() <= bound);
      CHECK(trainer.steps() == step);
    }
    CHECK(same_on_all_ranks(net.parameters()));
  }
}

TEST_CASE("a batch of static size") {
  const Eigen::Matrix<float, 2, 4> x = Eigen::Matrix<float, 2, 4>::Ones();
  const Eigen::Vector4i t(0, 1, 2, 0);
  Net net = initialized<Net>(), expected = net;
  mpi::Trainer trainer(net, optimizer);
  // Every rank has the same samples, so the mean equals each rank's.
  CHECK(std::abs(trainer.step(x, t) - Trainer(expected, optimizer).step(x, t)) <= 1e-6f);
}

TEST_CASE("sums and broadcasts are sent in pieces") {
  const auto [rank, size] = mpi::World();
  Vector<double> sums = Vector<double>::LinSpaced(10, 0, 9), copy = sums * (rank + 1);
  mpi::detail::add_up(sums.data(), 10, MPI_COMM_WORLD, 3);
  CHECK(sums == size * Vector<double>::LinSpaced(10, 0, 9));
  mpi::detail::broadcast(copy.data(), 10, MPI_COMM_WORLD, 7);
  CHECK(copy == Vector<double>::LinSpaced(10, 0, 9));
}

TEST_CASE("rank 0's callback ends training on all ranks") {
  const int rank = mpi::World().rank;
  Net net = initialized<Net>();
  const Dataset<Labels> data = clusters(100);
  Index batches = 0;
  mpi::fit(net, data, optimizer, options, [&](const Progress& now) {
    batches = now.batches * (now.epoch - 1) + now.batch;
    return rank == 0 ? batches < 9 : false;
  });
  CHECK(batches == 9);
  mpi::fit(net, data, optimizer, options, [&](const Progress&) { ++batches; });
  CHECK(batches == 9 + 5 * 7);
}

TEST_CASE("an error on all ranks is thrown on all ranks") {
  Net net = initialized<Net>();
  Dataset<Labels> data = clusters(20);
  CHECK(message_of<std::invalid_argument>([&] { mpi::fit(net, data, optimizer, {.epochs = 0}); }) ==
        "fit: expected epochs > 0, found 0");
  CHECK(message_of<std::invalid_argument>([&] {
          mpi::fit(net, data, Sgd{.learning_rate = -1});
        }).find("rate") != std::string::npos);
  mpi::Trainer trainer(net, optimizer);
  CHECK(message_of<std::invalid_argument>([&] { trainer.step(Matrix<float>(2, 0), Labels(0)); }) ==
        "mlp: expected samples on at least one rank, found none");

  const Vector<float> before = net.parameters();
  data.x(0, 4) = std::numeric_limits<float>::quiet_NaN();
  const FitOptions one_batch{.epochs = 2, .batch_size = 20};
  CHECK(message_of<std::runtime_error>([&] {
          mpi::fit(net, data, optimizer, one_batch);
        }).starts_with("fit: epoch 1, batch 1, step 1: expected a finite loss, found nan"));
  CHECK(message_of<std::runtime_error>([&] {
          trainer.step(data.x, data.t);
        }).starts_with("mlp: step 1: expected a finite loss, found nan"));
  CHECK(net.parameters() == before);
  // The bad gradient does not persist on a rank that has no samples next.
  const Dataset<Labels> mine = dealt(clusters(1));
  trainer.step(mine.x, mine.t);
  CHECK(net.parameters().allFinite());
}

// Each of these ends the program on both of two ranks: tests/CMakeLists.txt runs them one by one.
TEST_CASE("rejects_bad_label" * doctest::skip()) {
  Net net = initialized<Net>();
  Dataset<Labels> data = clusters(12);
  if (mpi::World().rank == 1) data.t.setConstant(3);
  mpi::fit(net, data, optimizer);
}

TEST_CASE("rejects_throwing_callback" * doctest::skip()) {
  Net net = initialized<Net>();
  mpi::fit(net, clusters(12), optimizer, {}, [](const Progress& now) {
    if (mpi::World().rank == 1 && now.epoch == 2) throw std::runtime_error("no more paper");
  });
}

TEST_CASE("rejects_less_data" * doctest::skip()) {
  Net net = initialized<Net>();
  mpi::fit(net, clusters(12 - mpi::World().rank), optimizer);
}

TEST_CASE("rejects_another_network" * doctest::skip()) {
  const Index hidden = 8 + mpi::World().rank * 2;
  Mlp<SoftmaxCrossEntropy, Dense<2, Dynamic, Tanh>, Dense<Dynamic, 3>> net(Dense<2, Dynamic, Tanh>(2, hidden),
                                                                           Dense<Dynamic, 3>(hidden, 3));
  mpi::fit(net, clusters(12), optimizer);
}

TEST_CASE("rejects_error_of_mpi" * doctest::skip()) {
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank = 0;
  if (mpi::World().rank == 1) {
    mpi::detail::check(MPI_Comm_rank(MPI_COMM_NULL, &rank), "MPI_Comm_rank", MPI_COMM_WORLD);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const int failed = doctest::Context(argc, argv).run();
  MPI_Finalize();
  return failed;
}
