// This library: fit for the epochs, a Trainer with all sizes fixed for xor.
#include "../suite.hpp"

#include <mlp/mlp.hpp>

namespace suite {

namespace {

template <class Net>
struct TypeOf {
  template <std::size_t I>
  using Activation =
      std::conditional_t<I + 1 == Net::depth, mlp::Identity,
                         std::conditional_t<Net::hidden == Hidden::relu, mlp::ReLU, mlp::Tanh>>;
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
    mlp::fit(net_, data, sgd(), {.epochs = 1, .batch_size = Task::batch, .seed = rng()});
  }

  void step(const Batch<Net>& batch) {
    trainer_.step(Eigen::Map<const Eigen::Matrix<float, Net::inputs, Task::batch>>(batch.x),
                  Eigen::Map<const Eigen::Matrix<float, Net::outputs, Task::batch>>(batch.t));
  }

  template <int n>
  const float* infer(const float* x) {
    using X = mlp::SizedMatrix<float, Net::inputs, n>;
    static mlp::SizedMatrix<float, Net::outputs, n> y;
    y = net_.infer(Eigen::Map<const X>(x, Net::inputs, n));
    return y.data();
  }

 private:
  static auto sgd() {
    if constexpr (std::is_void_v<Task>) return mlp::Sgd{};
    else return mlp::Sgd{.learning_rate = Task::rate};
  }

  typename TypeOf<Net>::type net_;
  mlp::Trainer<typename TypeOf<Net>::type, mlp::Sgd> trainer_{net_, sgd()};
};

static const bool added = add_peer<Ours>("mlp", "");

}  // namespace suite
