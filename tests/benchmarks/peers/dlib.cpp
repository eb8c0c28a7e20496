// dlib. Minibatches are copied into a tensor, which avoids its trainer's conversion of single samples.
#include <dlib/dnn.h>

#include "../suite.hpp"

namespace suite {

namespace {

/// The first I + 1 layers of a network.
template <class Net, std::size_t I>
struct Layers {
  using Below = typename Layers<Net, I - 1>::type;
  using Sum = dlib::fc<Net::sizes[I], Below>;
  using Activated =
      decltype(Net::choose(std::type_identity<dlib::relu<Sum>>{}, std::type_identity<dlib::htan<Sum>>{},
                           std::type_identity<dlib::elu<Sum>>{}));
  using type = std::conditional_t<I == Net::depth, Sum, typename Activated::type>;
};
template <class Net>
struct Layers<Net, 0> {
  using type = dlib::input<dlib::matrix<float>>;
};

}  // namespace

template <class Net, class Task>
class Dlib {
  using Top = typename Layers<Net, Net::depth>::type;
  using Loss =
      std::conditional_t<Net::classifies, dlib::loss_multiclass_log<Top>, dlib::loss_mean_squared<Top>>;

 public:
  explicit Dlib(const Vector& theta) {
    const dlib::matrix<float> sample = dlib::zeros_matrix<float>(Net::inputs, 1);
    net_.to_tensor(&sample, &sample + 1, x_);
    net_.subnet().forward(x_);  // allocates the parameters
    // They have theta's layout, layer after layer, but the visit starts with the last layer.
    const float* end = theta.data() + theta.size();
    dlib::visit_layer_parameters(net_, [&](std::size_t, dlib::tensor& parameters) {
      end -= parameters.size();
      std::copy_n(end, parameters.size(), parameters.host());
    });
  }

  void step(const Batch<Net>& batch) {
    fill(batch.x, batch.n);
    net_.compute_parameter_gradients(x_, batch.t);
    if constexpr (Task::optimizer == Optimizer::adam) net_.update_parameters(adam_, double{Task::rate});
    else net_.update_parameters(sgd_, double{Task::rate});
  }

  template <int n>
  const float* infer(const float* x) {
    fill(x, n);
    return net_.subnet().forward(x_).host();
  }

 private:
  void fill(const float* x, Index n) {
    x_.set_size(n, 1, Net::inputs, 1);
    std::copy_n(x, x_.size(), x_.host_write_only());
  }

  Loss net_;
  dlib::resizable_tensor x_;
  std::vector<dlib::sgd> sgd_{Loss::num_computational_layers,
                              dlib::sgd(0, 0)};  // no weight decay, no momentum
  std::vector<dlib::adam> adam_{Loss::num_computational_layers, dlib::adam(0, 0.9f, 0.999f)};
};

static const bool added = add_peer<Dlib>("dlib", PEER_VERSION);

}  // namespace suite
