// FANN, which has no ReLU: ReLU networks get its cheapest smooth activation and the mean squared error of
// one-hot targets. ELU and Adam, which it lacks too, are left out. A minibatch is an epoch of FANN's batch
// training.
#include <fann.h>

#include "../suite.hpp"

namespace suite {

template <class Net, class Task>
class Fann {
 public:
  explicit Fann(const Vector& theta) : net_(fann_create_standard_array(Net::sizes.size(), sizes().data())) {
    fann_set_activation_function_hidden(
        net_.get(), Net::hidden == Hidden::tanh ? FANN_SIGMOID_SYMMETRIC : FANN_ELLIOT_SYMMETRIC);
    fann_set_activation_function_output(net_.get(), FANN_LINEAR);
    fann_set_activation_steepness_hidden(net_.get(), 1);
    fann_set_activation_steepness_output(net_.get(), 1);
    fann_set_training_algorithm(net_.get(), FANN_TRAIN_BATCH);
    fann_set_train_error_function(net_.get(), FANN_ERRORFUNC_LINEAR);
    // A neuron's weights are contiguous, followed by its bias.
    const float* p = theta.data();
    float* weight = net_->weights;
    for (std::size_t i = 0; i < Net::depth; ++i) {
      const int in = Net::sizes[i], out = Net::sizes[i + 1];
      const Eigen::Map<const Matrix> W_and_b(p, out, in + 1);
      Eigen::Map<Matrix>(weight, in + 1, out) = W_and_b.transpose();
      p += W_and_b.size();
      weight += W_and_b.size();
    }
  }

  // Its loops over single connections take a minute for an epoch of a larger network.
  void step(const Batch<Net>& batch) requires(Net::weights() < 2e5 && Task::optimizer == Optimizer::sgd) {
    if (!batch_) {
      batch_.reset(fann_create_train(static_cast<unsigned>(batch.n), Net::inputs, Net::outputs));
      // Its gradient is that of half the squared error. With one-hot targets, training would diverge at this
      // rate.
      fann_set_learning_rate(net_.get(), (Net::classifies ? 0.5f : 2) * Task::rate);
    }
    std::copy_n(batch.x, batch.n * Net::inputs, batch_->input[0]);
    Eigen::Map<Matrix> t(batch_->output[0], Net::outputs, batch.n);
    t.setZero();
    for (Index j = 0; j < batch.n; ++j) {
      if constexpr (Net::classifies) t(batch.t[j], j) = 1;
      else t(0, j) = batch.t[j];
    }
    fann_train_epoch(net_.get(), batch_.get());
  }

  static constexpr bool is_approximate = Net::hidden == Hidden::relu;

  template <int n>
  const float* infer(const float* x) requires(Net::hidden != Hidden::elu) {
    y_.resize(Net::outputs, n);
    for (int j = 0; j < n; ++j) {
      std::copy_n(fann_run(net_.get(), const_cast<float*>(x + j * Net::inputs)), Net::outputs,
                  y_.col(j).data());
    }
    return y_.data();
  }

 private:
  static std::array<unsigned, Net::depth + 1> sizes() {
    std::array<unsigned, Net::depth + 1> counts;
    std::copy(Net::sizes.begin(), Net::sizes.end(), counts.begin());
    return counts;
  }

  struct Destroy {
    void operator()(fann* net) const { fann_destroy(net); }
    void operator()(fann_train_data* data) const { fann_destroy_train(data); }
  };
  std::unique_ptr<fann, Destroy> net_;
  std::unique_ptr<fann_train_data, Destroy> batch_;
  Matrix y_;
};

static const bool added = add_peer<Fann>("FANN", PEER_VERSION);

}  // namespace suite
