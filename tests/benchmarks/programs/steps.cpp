// Steps of Sgd per second, for machines without Google Benchmark: `steps [SECONDS]`.

#include <mlp/mlp.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

using namespace mlp;

namespace {

template <class Net>
void measure(const char* name, Index batch, double seconds) {
  using Clock = std::chrono::steady_clock;
  Rng rng{1};
  Net net;
  net.initialize(rng);
  Trainer trainer(net, Sgd{.learning_rate = 1e-3, .momentum = 0.9});
  const Matrix<float> x = Matrix<float>::Random(net.inputs(), batch);
  const Matrix<float> t = Matrix<float>::Constant(net.outputs(), batch, 0.5f);
  double best = 0;
  for (int part = 0; part < 5; ++part) {
    long steps = 0;
    const Clock::time_point begin = Clock::now();
    double passed = 0;
    while (passed < seconds / 5) {
      for (int i = 0; i < 8; ++i) trainer.step(x, t);
      steps += 8;
      passed = std::chrono::duration<double>(Clock::now() - begin).count();
    }
    if (static_cast<double>(steps) / passed > best) best = static_cast<double>(steps) / passed;
  }
  std::printf("%s %.0f\n", name, best);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  measure<Mlp<MeanSquaredError, Dense<2, 8, Tanh>, Dense<8, 1>>>("2-8-1,4", 4, seconds);
  measure<Mlp<MeanSquaredError, Dense<2, 8, Tanh>, Dense<8, 8, Tanh>, Dense<8, 1>>>("2-8-8-1,10", 10,
                                                                                    seconds);
  measure<Mlp<MeanSquaredError, Dense<16, 64, ReLU>, Dense<64, 64, ReLU>, Dense<64, 4>>>("16-64-64-4,32", 32,
                                                                                         seconds);
  measure<Mlp<MeanSquaredError, Dense<784, 128, ReLU>, Dense<128, 10>>>("784-128-10,64", 64, seconds);
}
