#include <torch/torch.h>

#include <cstdio>

int main(int, char** argv) {
  using torch::data::datasets::MNIST;
  torch::manual_seed(1);
  torch::nn::Sequential net(torch::nn::Flatten(), torch::nn::Linear(784, 128), torch::nn::ReLU(),
                            torch::nn::Linear(128, 10));
  torch::optim::SGD sgd(net->parameters(), 0.1);
  const auto train = torch::data::make_data_loader<torch::data::samplers::RandomSampler>(
      MNIST(argv[1]).map(torch::data::transforms::Stack<>()), 32);
  for (const auto& batch : *train) {
    sgd.zero_grad();
    torch::nn::functional::cross_entropy(net->forward(batch.data), batch.target).backward();
    sgd.step();
  }

  torch::NoGradGuard no_grad;
  const MNIST test(argv[1], MNIST::Mode::kTest);
  const auto right = net->forward(test.images()).argmax(1).eq(test.targets());
  const double accuracy = right.to(torch::kFloat).mean().item<double>();
  std::printf("%.4f\n", accuracy);
  return accuracy > 0.85 ? 0 : 1;
}
