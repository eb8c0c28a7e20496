// libtorch's C++ front end: Sequential, SGD and Adam, with gradients released instead of zeroed before each
// step, as in PyTorch.
#include <torch/torch.h>

#include "../suite.hpp"

namespace suite {

template <class Net, class Task>
class LibTorch {
 public:
  explicit LibTorch(const Vector& theta) {
    torch::NoGradGuard no_grad;
    const float* p = theta.data();
    for (std::size_t i = 0; i < Net::depth; ++i) {
      const int in = Net::sizes[i], out = Net::sizes[i + 1];
      torch::nn::Linear linear(in, out);
      linear->weight.copy_(view(p, in, out).t());
      linear->bias.zero_();
      net_->push_back(linear);
      if (i + 1 < Net::depth)
        net_->push_back(Net::choose(torch::nn::ReLU(), torch::nn::Tanh(), torch::nn::ELU()));
      p += (in + 1) * out;
    }
    parameters_ = net_->parameters();
  }

  void step(const Batch<Net>& batch) {
    const auto y = net_->forward(view(batch.x, batch.n, Net::inputs));
    torch::Tensor loss;
    if constexpr (Net::classifies) {
      const auto t = torch::from_blob(const_cast<int*>(batch.t), {batch.n}, torch::kInt);
      loss = torch::nn::functional::cross_entropy(y, t.to(torch::kLong));
    } else {
      loss = torch::mse_loss(y, view(batch.t, batch.n, 1));
    }
    for (auto& parameter : parameters_) parameter.mutable_grad().reset();
    loss.backward();
    using Algorithm =
        std::conditional_t<Task::optimizer == suite::Optimizer::adam, torch::optim::Adam, torch::optim::SGD>;
    if (!optimizer_) optimizer_ = std::make_unique<Algorithm>(parameters_, double{Task::rate});
    optimizer_->step();
  }

  template <int n>
  const float* infer(const float* x) {
    torch::InferenceMode inference;
    y_ = net_->forward(view(x, n, Net::inputs));
    return y_.template data_ptr<float>();
  }

 private:
  static torch::Tensor view(const float* x, Index rows, Index cols) {
    return torch::from_blob(const_cast<float*>(x), {rows, cols});
  }

  torch::nn::Sequential net_;
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  torch::Tensor y_;
};

static const bool added = (torch::set_num_threads(1), add_peer<LibTorch>("libtorch", PEER_VERSION));

}  // namespace suite
