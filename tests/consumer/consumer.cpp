#include <mlp/mlp.hpp>

int main() {
  using Net = mlp::Mlp<mlp::MeanSquaredError, mlp::Dense<1, 3, mlp::Tanh>, mlp::Dense<3, 1>>;
  Net net;
  mlp::Rng rng{1};
  net.initialize(rng);
  return net.predict(mlp::Vector<float>::Ones(1)).size() == 1 ? 0 : 1;
}
