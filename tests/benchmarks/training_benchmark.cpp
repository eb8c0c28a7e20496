// How fast a training step is, beside the time that Eigen needs for its products alone.
#include <benchmark/benchmark.h>

#include <mlp/mlp.hpp>

#include <chrono>

using namespace mlp;

namespace {

using Mnist = Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256, 128, ReLU>, Dense<128, 10>>;
using Xor = Mlp<BinaryCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 1>>;

// The eight products of a step of Mnist, each written as Eigen would have it, and nothing else.
class Products {
 public:
  explicit Products(Index batch) : x(Matrix<float>::Random(784, batch)) {
    for (std::size_t i = 0; i < 3; ++i) {
      W[i].setRandom(sizes[i + 1], sizes[i]);
      dW[i].resize(sizes[i + 1], sizes[i]);
      y[i].resize(sizes[i + 1], batch);
      dy[i].setRandom(sizes[i + 1], batch);
    }
  }

  void run() {
    y[0].noalias() = W[0] * x;
    y[1].noalias() = W[1] * y[0];
    y[2].noalias() = W[2] * y[1];
    dW[2].noalias() = dy[2] * y[1].transpose();
    dy[1].noalias() = W[2].transpose() * dy[2];
    dW[1].noalias() = dy[1] * y[0].transpose();
    dy[0].noalias() = W[1].transpose() * dy[1];
    dW[0].noalias() = dy[0] * x.transpose();
  }

 private:
  static constexpr Index sizes[] = {784, 256, 128, 10};
  Matrix<float> x, W[3], dW[3], y[3], dy[3];
};

double seconds(auto&& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A hundred steps and a hundred times the products in turn, so that both see the same machine, and each its own data in
// the cache. epoch_s: seconds for 60,000 images; products: the share of a step's time that Eigen's products alone take.
void train_784_256_128_10(benchmark::State& state) {
  constexpr Index batch = 64;
  constexpr int turns = 100;
  Mnist net;
  Rng rng{1};
  net.initialize(rng);
  const Matrix<float> x = Matrix<float>::Random(784, batch).cwiseAbs();
  const Labels t = Labels::LinSpaced(batch, 0, batch - 1).unaryExpr([](int i) { return i % 10; });
  Trainer trainer(net, Sgd{.learning_rate = 0.01});
  Products products(batch);
  double step_time = 0, product_time = 0;
  for (auto _ : state) {
    const double steps = seconds([&] {
      for (int i = 0; i < turns; ++i) trainer.step(x, t);
    });
    product_time += seconds([&] {
      for (int i = 0; i < turns; ++i) products.run();
    });
    step_time += steps;
    state.SetIterationTime(steps / turns);
  }
  state.counters["epoch_s"] = step_time / static_cast<double>(state.iterations()) / turns * 60000 / batch;
  state.counters["products"] = product_time / step_time;
}
BENCHMARK(train_784_256_128_10)->UseManualTime()->Unit(benchmark::kMicrosecond)->Iterations(20);

void train_xor_2_8_1(benchmark::State& state) {
  Xor net;
  Rng rng{1};
  net.initialize(rng);
  const Eigen::Matrix<float, 2, 4> x{{0, 0, 1, 1}, {0, 1, 0, 1}};
  const Eigen::Matrix<float, 1, 4> t{0, 1, 1, 0};
  Trainer trainer(net, Sgd{.learning_rate = 0.5});
  for (auto _ : state) benchmark::DoNotOptimize(trainer.step(x, t));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(train_xor_2_8_1);

}  // namespace
