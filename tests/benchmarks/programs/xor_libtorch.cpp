#include <torch/torch.h>

#include <cstdio>

int main() {
  const auto x = torch::tensor({{0.f, 0.f}, {0.f, 1.f}, {1.f, 0.f}, {1.f, 1.f}});
  const auto t = torch::tensor({{0.f}, {1.f}, {1.f}, {0.f}});

  torch::manual_seed(1);
  torch::nn::Sequential net(torch::nn::Linear(2, 8), torch::nn::Tanh(), torch::nn::Linear(8, 1));
  torch::optim::SGD sgd(net->parameters(), 0.1);
  for (int i = 0; i < 5000; ++i) {
    sgd.zero_grad();
    torch::mse_loss(net->forward(x), t).backward();
    sgd.step();
  }

  torch::NoGradGuard no_grad;
  const auto y = net->forward(x);
  for (int j = 0; j < 4; ++j) std::printf("%.3f ", y[j][0].item<float>());
  std::puts("");
  return (y - t).abs().max().item<float>() < 0.1f ? 0 : 1;
}
