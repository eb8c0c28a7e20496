// Learns the exclusive or, the smallest problem that needs a hidden layer: no straight line separates its two
// classes. The compiler knows all sizes, so training and prediction need no heap.

#include <mlp/mlp.hpp>

#include <cmath>
#include <cstdio>

using Net = mlp::Mlp<mlp::BinaryCrossEntropy, mlp::Dense<2, 8, mlp::Tanh>, mlp::Dense<8, 1>>;
using Inputs = Eigen::Matrix<float, 2, 4>;   // a column is a sample,
using Targets = Eigen::Matrix<float, 1, 4>;  // its target has the same column

// The network's probability that a xor b is 1.
float probability(const Net& net, float a, float b) { return net.predict(Eigen::Vector2f(a, b))(0); }

float worst_error(const Net& net, const Inputs& x, const Targets& t) {
  float worst = 0;
  for (int j = 0; j < 4; ++j) worst = std::fmax(worst, std::fabs(probability(net, x(0, j), x(1, j)) - t(j)));
  return worst;
}

// Trains until each probability is within `margin` of its target. Returns whether it succeeded.
bool train(Net& net, const Inputs& x, const Targets& t, float margin) {
  mlp::Trainer trainer(net, mlp::Sgd{.learning_rate = 0.2, .momentum = 0.9});
  std::puts("  step   loss     worst error");
  for (int step = 1; step <= 5000; ++step) {
    const float loss = trainer.step(x, t);
    const float worst = worst_error(net, x, t);
    const bool learned = worst <= margin;
    if (step % 10 == 1 || learned) std::printf("  %4d   %.4f   %.3f\n", step, loss, worst);
    if (learned) return true;
  }
  return false;
}

void print_truth_table(const Net& net, const Inputs& x, const Targets& t) {
  std::puts("\n  a  b   a xor b   probability   class");
  for (int j = 0; j < 4; ++j) {
    const float p = probability(net, x(0, j), x(1, j));
    std::printf("  %.0f  %.0f      %.0f         %.3f        %d\n", x(0, j), x(1, j), t(j), p, p > 0.5f);
  }
}

// Draws the probability over a (to the right) and b (upwards) in [-0.5, 1.5]: the fuller, the likelier. The
// digits are the four samples.
void draw_decision_surface(const Net& net, const Inputs& x, const Targets& t) {
  constexpr int rows = 21, cols = 49;  // a character is about twice as high as wide
  const char* const shades[] = {" ", "░", "▒", "▓", "█"};
  const auto draw_edge = [](const char* left, const char* tick, const char* right) {
    std::printf("       %s", left);
    for (int j = 0; j < cols; ++j) std::printf("%s", j % 12 == 0 ? tick : "─");
    std::puts(right);
  };
  std::puts("");
  draw_edge("┌", "─", "┐");
  for (int i = 0; i < rows; ++i) {
    const float b = 1.5f - static_cast<float>(i) / 10;
    if (i % 5 == 0) std::printf("  %4.1f ┤", b);
    else std::printf("       │");
    for (int j = 0; j < cols; ++j) {
      const float a = static_cast<float>(j) / 24 - 0.5f;
      int sample = 0;
      while (sample < 4 && std::hypot(x(0, sample) - a, x(1, sample) - b) > 0.01f) ++sample;
      if (sample < 4) std::printf("%.0f", t(sample));
      else std::printf("%s", shades[static_cast<int>(4.99f * probability(net, a, b))]);
    }
    std::puts("│");
  }
  draw_edge("└", "┬", "┘");
  std::puts("       -0.5         0.0         0.5         1.0         1.5");
}

int main() {
  const float samples[] = {0, 0, 0, 1, 1, 0, 1, 1};  // a, b, a, b, ...
  const Inputs x(samples);
  const Targets t(0, 1, 1, 0);

  mlp::Rng rng{1};
  Net net;
  net.initialize(rng);
  if (!train(net, x, t, 0.05f)) {
    std::fputs("xor: not learned in 5000 steps\n", stderr);
    return 1;
  }
  print_truth_table(net, x, t);
  draw_decision_surface(net, x, t);
}
