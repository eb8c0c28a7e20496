// This library: fit for the epochs, which starts Adam anew in each, and a Trainer with all sizes fixed for xor.
// In a second row, the epochs by a Trainer on batches that the suite gathers, as for the other peers.
#include "../suite.hpp"

#include <mlp/mlp.hpp>

namespace suite {

namespace {

template <class Net>
struct TypeOf {
  template <std::size_t I>
  using Activation = std::conditional_t<I + 1 == Net::depth, mlp::Identity,
                                        decltype(Net::choose(mlp::ReLU{}, mlp::Tanh{}, mlp::ELU{}))>;
  using Loss = std::conditional_t<Net::classifies, mlp::SoftmaxCrossEntropy, mlp::MeanSquaredError>;

  template <std::size_t... I>
  static mlp::Mlp<Loss, mlp::Dense<Net::sizes[I], Net::sizes[I + 1], Activation<I>>...> make(
      std::index_sequence<I...>);

  using type = decltype(make(std::make_index_sequence<Net::depth>{}));
};

}  // namespace

template <class Net, class Task>
class Ours {
 public:
  explicit Ours(const Vector& theta) { net_.parameters() = theta; }

  void epoch(const mlp::Dataset<typename Net::Target>& data, mlp::Rng& rng) {
    mlp::fit(net_, data, optimizer(), {.epochs = 1, .batch_size = Task::batch, .seed = rng()});
  }

  void step(const Batch<Net>& batch) {
    constexpr int rows = Net::classifies ? 1 : Net::outputs;
    using X = mlp::SizedMatrix<float, Net::inputs, Task::batch>;
    using T = mlp::SizedMatrix<typename Net::Target::Scalar, rows, Task::batch>;
    trainer_.step(Eigen::Map<const X>(batch.x, Net::inputs, Task::batch),
                  Eigen::Map<const T>(batch.t, rows, Task::batch));
  }

  template <int n>
  const float* infer(const float* x) {
    using X = mlp::SizedMatrix<float, Net::inputs, n>;
    static mlp::SizedMatrix<float, Net::outputs, n> y;
    y = net_.infer(Eigen::Map<const X>(x, Net::inputs, n));
    return y.data();
  }

 private:
  static auto optimizer() {
    if constexpr (std::is_void_v<Task>) return mlp::Sgd{};
    else if constexpr (Task::optimizer == Optimizer::adam) return mlp::Adam{.learning_rate = Task::rate};
    else return mlp::Sgd{.learning_rate = Task::rate};
  }

  typename TypeOf<Net>::type net_;
  mlp::Trainer<typename TypeOf<Net>::type, decltype(optimizer())> trainer_{net_, optimizer()};
};

template <class Net, class Task>
class OursByStep {
 public:
  explicit OursByStep(const Vector& theta) : ours_(theta) {}

  void step(const Batch<Net>& batch) { ours_.step(batch); }

  // Left out of inference and of xor, whose figures would be those of mlp again.
  template <int n>
  const float* infer(const float* x) requires(!std::is_void_v<Task> && !std::is_same_v<Task, Xor>) {
    return ours_.template infer<n>(x);
  }

 private:
  Ours<Net, Task> ours_;
};

static const bool added = add_peer<Ours>("mlp", "") && add_peer<OursByStep>("mlp, Trainer::step", "");

}  // namespace suite
