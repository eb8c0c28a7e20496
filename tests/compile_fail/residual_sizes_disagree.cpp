// error: residual_outputs_equal_its_inputs.*5.*4
#include <mlp/mlp.hpp>

#ifdef FIXED
constexpr int outputs = 4;
#else
constexpr int outputs = 5;
#endif

using Block = mlp::Residual<mlp::Dense<4, 6, mlp::ReLU>, mlp::Dense<6, outputs>>;
using Net = mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<3, 4>, Block, mlp::Dense<outputs, 2>>;

int main() {
  Net net;
  mlp::Rng rng{1};
  net.initialize(rng);
  mlp::fit(net, mlp::Dataset<>{}, mlp::Sgd{.learning_rate = 0.1}, {.epochs = 1});
  net.predict(mlp::Vector<float>(3));
}
