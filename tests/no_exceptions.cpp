// Training and prediction in a program built with -fno-exceptions -fno-rtti. With an argument, it causes an
// error.
#include <mlp/mlp.hpp>

using namespace mlp;

int main(int argc, char**) {
  Mlp<BinaryCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 1>> net;
  Rng rng{1};
  net.initialize(rng);
  if (argc > 1) net.predict(Vector<float>::Zero(3));
  const Dataset data{Matrix<float>(Eigen::Matrix<float, 2, 4>{{0, 0, 1, 1}, {0, 1, 0, 1}}),
                     Matrix<float>(Eigen::Matrix<float, 1, 4>{{0, 1, 1, 0}})};
  fit(net, data, Sgd{.learning_rate = 0.5, .momentum = 0.9}, {.epochs = 500, .batch_size = 4});
  return net.predict(Eigen::Vector2f(1, 0))(0) > 0.9f && evaluate(net, data).accuracy == 1 ? 0 : 1;
}
