// error: is_a_layer.*1.*mlp::([a-z0-9_]+::)?ReLU
#include <mlp/mlp.hpp>

#ifdef FIXED
using Net = mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3, mlp::ReLU>, mlp::Dense<3, 1>>;
#else
using Net = mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<2, 3>, mlp::ReLU, mlp::Dense<3, 1>>;
#endif

int main() {
  Net net;
  mlp::Rng rng{1};
  net.initialize(rng);
  net.predict(mlp::Vector<float>(2));
  mlp::Trainer trainer(net, mlp::Sgd{});
  trainer.step(mlp::Matrix<float>(2, 4), mlp::Matrix<float>(1, 4));
}
