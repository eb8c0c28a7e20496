// error: layer_accepts_previous_output.*1.*256.*128
#include <mlp/mlp.hpp>

#ifdef FIXED
constexpr int hidden = 256;
#else
constexpr int hidden = 128;
#endif

using Net = mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<784, 256, mlp::ReLU>, mlp::Dense<hidden, 10>>;

int main() {
  Net net;
  mlp::Rng rng{1};
  net.initialize(rng);
  mlp::fit(net, mlp::Dataset<>{}, mlp::Sgd{.learning_rate = 0.1}, {.epochs = 1});
}
