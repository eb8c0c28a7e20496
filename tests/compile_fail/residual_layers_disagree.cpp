// error: layer_accepts_previous_output.*1.*6.*7
#include <mlp/mlp.hpp>

#ifdef FIXED
constexpr int hidden = 6;
#else
constexpr int hidden = 7;
#endif

using Block = mlp::Residual<mlp::Dense<4, 6, mlp::ReLU>, mlp::Dense<hidden, 4>>;
using Net = mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<3, 4>, Block, mlp::Dense<4, 2>>;

int main() {
  Net net;
  mlp::Rng rng{1};
  net.initialize(rng);
  mlp::fit(net, mlp::Dataset<>{}, mlp::Sgd{.learning_rate = 0.1}, {.epochs = 1});
  net.predict(mlp::Vector<float>(3));
}
