// The gain from all cores: times of a training step and of predictions, with one thread and with as many as
// OpenMP would use, in turn. Prints the medians as a Markdown table.
#include <omp.h>
#include <mlp/mlp.hpp>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "timing.hpp"

using namespace mlp;

namespace {

// Calls run() with one thread and with all, alternately, `turns` times in a row each.
void compare(const char* what, int turns, int most, auto run) {
  std::vector<double> times[2];
  for (int round = 0; round < 11; ++round) {
    for (const int many : {0, 1}) {
      omp_set_num_threads(many == 1 ? most : 1);
      run();
      const double start = omp_get_wtime();
      for (int i = 0; i < turns; ++i) run();
      times[many].push_back((omp_get_wtime() - start) / turns);
    }
  }
  const double one = timing::median(times[0]), all = timing::median(times[1]);
  std::printf("| %-40s | %10.3f | %10.3f | %5.2fx |\n", what, 1e3 * one, 1e3 * all, one / all);
}

template <class Net>
void train(const char* what, Index batch, int turns, int most) {
  Rng rng{1};
  Net net;
  net.initialize(rng);
  const Matrix<float> x = Matrix<float>::Random(net.inputs(), batch).cwiseAbs();
  const Labels t =
      Labels::LinSpaced(batch, 0, static_cast<int>(batch) - 1).unaryExpr([](int i) { return i % 10; });
  Trainer trainer(net, Sgd{.learning_rate = 0.01});
  compare(what, turns, most, [&] { trainer.step(x, t); });
}

}  // namespace

int main() {
  const int most = std::min(omp_get_max_threads(), omp_get_num_procs());
  std::printf("| what | 1 thread, ms | %d threads, ms | ratio |\n|---|---:|---:|---:|\n", most);
  using Small = Mlp<SoftmaxCrossEntropy, Dense<784, 128, ReLU>, Dense<128, 10>>;
  train<Small>("a step of 784-128-10 (32)", 32, 400, most);
  train<Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256, 128, ReLU>, Dense<128, 10>>>(
      "a step of 784-256-128-10 (64)", 64, 100, most);
  train<Mlp<SoftmaxCrossEntropy, Dense<784, 1024, ReLU>, Dense<1024, 1024, ReLU>, Dense<1024, 10>>>(
      "a step of 784-1024-1024-10 (128)", 128, 10, most);
  const Small net;
  const Matrix<float> x = Matrix<float>::Random(784, 10'000);
  compare("predict of 10,000 samples by 784-128-10", 4, most, [&] { net.predict(x); });
}
