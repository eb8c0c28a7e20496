// The cost of knowing a network's shape only at run time: times of a training step and of predictions, of an
// Mlp and of the DynamicMlp of the same shape, in turn, on one thread. Prints the medians as a Markdown
// table.
#include <mlp/base/views.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/mlp.hpp>

#include <cstdio>
#include <vector>

#include "timing.hpp"

using namespace mlp;

namespace {

// Calls run_a() and run_b() alternately, `turns` times in a row each.
void compare(const char* what, int turns, auto&& run_a, auto&& run_b) {
  std::vector<double> a, b;
  for (int round = 0; round < 21; ++round) {
    a.push_back(timing::seconds(turns, run_a));
    b.push_back(timing::seconds(turns, run_b));
  }
  const double fixed = timing::median(a), dynamic = timing::median(b);
  std::printf("| %-42s | %9.2f | %9.2f | %.3fx |\n", what, 1e6 * fixed, 1e6 * dynamic, dynamic / fixed);
}

template <class Net>
void compare(const char* shape, Index batch, int turns) {
  Rng rng{1};
  Net net;
  net.initialize(rng);
  DynamicMlp dynamic = to_dynamic(net);
  Matrix<float> x(net.inputs(), batch);
  fill(x, [&] { return rng.uniform(); });
  const Labels t =
      Labels::LinSpaced(batch, 0, static_cast<int>(batch) - 1).unaryExpr([](int i) { return i % 10; });
  Trainer trainer(net, Sgd{.learning_rate = 0.01});
  Trainer dynamic_trainer(dynamic, Sgd{.learning_rate = 0.01});
  char what[80];
  std::snprintf(what, sizeof what, "a step of %s (%td)", shape, batch);
  compare(
      what, turns, [&] { trainer.step(x, t); }, [&] { dynamic_trainer.step(x, t); });
  std::snprintf(what, sizeof what, "predict of %td samples by %s", batch, shape);
  compare(
      what, 2 * turns, [&] { net.predict(x); }, [&] { dynamic.predict(x); });
}

}  // namespace

int main() {
  std::puts("| what | Mlp, us | DynamicMlp, us | ratio |\n|---|---:|---:|---:|");
  compare<Mlp<SoftmaxCrossEntropy, Dense<784, 128, ReLU>, Dense<128, 10>>>("784-128-10", 32, 300);
  compare<Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256, 128, ReLU>, Dense<128, 10>>>(
      "784-256-128-10", 64, 100);
  compare<Mlp<SoftmaxCrossEntropy, Dense<784, 1024, ReLU>, Dense<1024, 1024, ReLU>, Dense<1024, 10>>>(
      "784-1024-1024-10", 128, 8);
}
