#include <mlp/io/idx.hpp>
#include <mlp/mlp.hpp>

#include <cstdio>
#include <string>

int main(int, char** argv) {
  const std::string folder = argv[1];
  const auto read = [&](const std::string& part) {
    return mlp::read_idx(folder + "/" + part + "-images-idx3-ubyte",
                         folder + "/" + part + "-labels-idx1-ubyte");
  };
  const auto train = read("train"), test = read("t10k");

  mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<784, 128, mlp::ReLU>, mlp::Dense<128, 10>> net;
  mlp::Rng rng{1};
  net.initialize(rng);
  mlp::fit(net, train, mlp::Sgd{.learning_rate = 0.1}, {.epochs = 1, .batch_size = 32, .seed = 1});

  const double accuracy = mlp::evaluate(net, test).accuracy;
  std::printf("%.4f\n", accuracy);
  return accuracy > 0.85 ? 0 : 1;
}
