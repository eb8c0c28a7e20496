// The tasks of the benchmark suite: networks, data, and how each is timed. A peer is one file in peers/ with
// a class template `Model` and a call of add_peer; nothing else names it.
#pragma once

#include <benchmark/benchmark.h>

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/data/dataset.hpp>

#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace suite {

using mlp::Index;
using Matrix = mlp::Matrix<float>;
using Vector = mlp::Vector<float>;

enum class Hidden { relu, tanh, elu };

/// Layer sizes, inputs first. A network with ten outputs is a classifier, trained with softmax cross-entropy;
/// any other is a regression, trained with the mean squared error.
template <Hidden activation, int... size>
struct Network {
  static constexpr Hidden hidden = activation;
  static constexpr std::array<int, sizeof...(size)> sizes{size...};
  static constexpr std::size_t depth = sizes.size() - 1;
  static constexpr int inputs = sizes.front(), outputs = sizes.back();
  static constexpr bool classifies = outputs == 10;
  using Target = std::conditional_t<classifies, mlp::Labels, Matrix>;

  /// The argument that belongs to the hidden activation.
  static constexpr auto choose(auto relu, auto tanh, auto elu) {
    return std::get<static_cast<std::size_t>(hidden)>(std::tuple(relu, tanh, elu));
  }

  static constexpr double weights() {
    double sum = 0;
    for (std::size_t i = 0; i < depth; ++i) sum += 1.0 * sizes[i] * sizes[i + 1];
    return sum;
  }

  /// "784-128-10"; a run of more than three equal sizes is written as "10x256".
  static std::string name() {
    std::string text;
    for (std::size_t i = 0, next; i < sizes.size(); i = next) {
      for (next = i + 1; next < sizes.size() && sizes[next] == sizes[i];) ++next;
      if (next - i <= 3) next = i + 1;
      if (i > 0) text += '-';
      if (next - i > 1) text += std::to_string(next - i).append("x");
      text += std::to_string(sizes[i]);
    }
    return text;
  }
};

enum class Optimizer { sgd, adam };

/// A network, the size of its minibatches, and the learning rate, in thousandths, of plain SGD or of Adam with
/// its usual options.
template <class Net_, int batch_, int millirate, Optimizer optimizer_ = Optimizer::sgd>
struct Training {
  using Net = Net_;
  static constexpr int batch = batch_;
  static constexpr float rate = millirate * 1e-3f;
  static constexpr Optimizer optimizer = optimizer_;
};

using Xor = Training<Network<Hidden::tanh, 2, 8, 1>, 4, 100>;
using Trainings = std::tuple<
    Training<Network<Hidden::relu, 784, 128, 10>, 32, 100>,
    Training<Network<Hidden::relu, 784, 128, 10>, 32, 1, Optimizer::adam>,
    Training<Network<Hidden::relu, 784, 256, 128, 10>, 64, 100>,
    Training<Network<Hidden::relu, 784, 1024, 1024, 10>, 128, 100>,
    Training<Network<Hidden::relu, 64, 256, 256, 256, 256, 256, 256, 256, 256, 256, 256, 1>, 256, 5>>;
// The last one has the shape of a walking robot's policy.
using Inferences =
    std::tuple<Network<Hidden::tanh, 1, 32, 32, 1>, Network<Hidden::relu, 16, 64, 64, 4>,
               Network<Hidden::relu, 784, 128, 10>, Network<Hidden::elu, 45, 512, 256, 128, 12>>;

/// The samples of a step: x inputs x n, sample after sample, and a label or target for each.
template <class Net>
struct Batch {
  const float* x;
  const typename Net::Target::Scalar* t;
  Index n;
};

template <class Target>
struct Data {
  mlp::Dataset<Target> train, test;
};

/// MNIST: 59,904 training images of the whole set, a multiple of all minibatches, or the bundled subset.
const Data<mlp::Labels>& mnist();

/// As many samples of 64 variables that depend on four hidden ones, with a smooth function of these as
/// target.
const Data<Matrix>& tabular();

template <class Net>
const Data<typename Net::Target>& data() {
  if constexpr (Net::classifies) return mnist();
  else return tabular();
}

/// Whether the run is a short one for CI, on the bundled subset.
bool is_quick();

/// The initial parameters of every peer: for each layer W (outputs x inputs, column-major; He's uniform),
/// then b = 0.
template <class Net>
Vector initial_parameters() {
  mlp::Rng rng{1};
  std::vector<float> theta;
  for (std::size_t i = 0; i < Net::depth; ++i) {
    const int in = Net::sizes[i], out = Net::sizes[i + 1];
    const double bound = std::sqrt(6.0 / in);
    for (int k = 0; k < in * out; ++k) theta.push_back(static_cast<float>(rng.uniform(-bound, bound)));
    theta.resize(theta.size() + static_cast<std::size_t>(out));
  }
  return Eigen::Map<Vector>(theta.data(), static_cast<Index>(theta.size()));
}

/// The outputs for x, computed from the definition.
template <class Net>
Matrix reference(const Vector& theta, const Matrix& x) {
  Matrix y = x;
  const float* p = theta.data();
  for (std::size_t i = 0; i < Net::depth; ++i) {
    const int in = Net::sizes[i], out = Net::sizes[i + 1];
    y = (Eigen::Map<const Matrix>(p, out, in) * y).eval();
    if (i + 1 < Net::depth) {
      y = y.unaryExpr(Net::choose([](float z) { return std::fmax(z, 0.0f); },
                                  [](float z) { return std::tanh(z); },
                                  [](float z) { return z > 0 ? z : std::expm1(z); }));
    }
    p += (in + 1) * out;
  }
  return y;
}

/// dL/dy of the mean softmax cross-entropy or mean squared error, for peers without a loss.
template <class Net>
void loss_gradient(const float* logits, const Batch<Net>& batch, float* dlogits) {
  const Eigen::Map<const Eigen::Array<float, Net::outputs, Eigen::Dynamic>> y(logits, Net::outputs, batch.n);
  Eigen::Map<Eigen::Array<float, Net::outputs, Eigen::Dynamic>> dy(dlogits, Net::outputs, batch.n);
  const float scale = 1 / static_cast<float>(batch.n);
  for (Index j = 0; j < batch.n; ++j) {
    if constexpr (Net::classifies) {
      dy.col(j) = (y.col(j) - y.col(j).maxCoeff()).exp();
      dy.col(j) *= scale / dy.col(j).sum();
      dy(batch.t[j], j) -= scale;
    } else {
      dy(0, j) = 2 * scale * (y(0, j) - batch.t[j]);
    }
  }
}

/// A step of plain SGD or of Adam (Kingma and Ba, 2015, algorithm 1) on one vector, for peers without an
/// optimizer.
template <class Task>
class Update {
 public:
  void operator()(float* parameters, const float* gradient, Index size) {
    Eigen::Map<Eigen::ArrayXf> theta(parameters, size);
    const Eigen::Map<const Eigen::ArrayXf> g(gradient, size);
    if constexpr (Task::optimizer == Optimizer::sgd) {
      theta -= Task::rate * g;
    } else {
      constexpr float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
      if (t_++ == 0) m_ = v_ = Eigen::ArrayXf::Zero(size);
      m_ = beta1 * m_ + (1 - beta1) * g;
      v_ = beta2 * v_ + (1 - beta2) * g.square();
      const auto rate = static_cast<float>(Task::rate / (1 - std::pow(beta1, t_))),
                 root = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2, t_)));
      theta -= rate * m_ / (root * v_.sqrt() + epsilon);
    }
  }

 private:
  Eigen::ArrayXf m_, v_;
  int t_ = 0;
};

/// A column of a table of the report.
struct Column {
  std::string table, name;
  double scale = 1;         // the figure shown: scale * seconds per item, or
  bool per_second = false;  // items per second, over scale
  double flop = 0;          // floating-point operations per item, if they limit the time
};

/// Adds the benchmark of a peer for a column. One iteration processes `items` items.
benchmark::internal::Benchmark* add(const Column& column, const std::string& peer, Index items,
                                    std::function<void(benchmark::State&)> run);

struct Peer {
  std::string name, version;
  std::function<void()> add_benchmarks;
};

/// The peers that were found when the suite was built.
std::vector<Peer>& peers();

/// One pass through the data in a new order: gathers each minibatch and takes a step with it.
template <class Net, class Model>
void epoch(Model& model, const mlp::Dataset<typename Net::Target>& data, Index batch, mlp::Rng& rng) {
  if constexpr (requires { model.epoch(data, rng); }) {
    model.epoch(data, rng);
  } else {
    std::vector<Index> order(static_cast<std::size_t>(data.size()));
    std::iota(order.begin(), order.end(), Index{0});
    rng.shuffle(order);
    Matrix x(Net::inputs, batch);
    Eigen::Matrix<typename Net::Target::Scalar, Eigen::Dynamic, 1> t(batch);
    for (auto sample = order.begin(); sample != order.end();) {
      for (Index j = 0; j < batch; ++j, ++sample) {
        x.col(j) = data.x.col(*sample);
        t(j) = data.t.data()[*sample];
      }
      model.step(Batch<Net>{x.data(), t.data(), batch});
    }
  }
}

/// The accuracy, or the explained fraction of the targets' variance.
template <class Net, class Model>
double score(Model& model, const mlp::Dataset<typename Net::Target>& test) {
  constexpr int piece = 64;
  const Index size = test.size() / piece * piece;
  double right = 0, squared_error = 0;
  for (Index i = 0; i < size; i += piece) {
    const Eigen::Map<const Matrix> y(model.template infer<piece>(test.x.col(i).data()), Net::outputs, piece);
    for (Index j = 0; j < piece; ++j) {
      const auto t = test.t.data()[i + j];
      Index best = 0;
      y.col(j).maxCoeff(&best);
      right += best == static_cast<Index>(t);
      squared_error += std::pow(static_cast<double>(y(0, j)) - static_cast<double>(t), 2);
    }
  }
  if constexpr (Net::classifies) return right / static_cast<double>(size);
  else return 1 - squared_error / static_cast<double>((test.t.array() - test.t.mean()).square().sum());
}

inline void require(benchmark::State& state, double value, double least, const char* name) {
  state.counters["learned"] = value;
  if (!(value >= least))
    state.SkipWithError(std::string(name).append(" ").append(std::to_string(value)).c_str());
}

/// Seconds per epoch. The model continues to learn from one repetition to the next.
template <class Task, class Model>
void add_training(const std::string& peer) {
  using Net = typename Task::Net;
  const Index size = data<Net>().train.size();
  const double flop = 6 * Net::weights() - 2.0 * Net::sizes[0] * Net::sizes[1];
  add({"Training: seconds per epoch of 60,000 samples",
       Net::name()
           .append(" (")
           .append(std::to_string(Task::batch))
           .append(Task::optimizer == Optimizer::adam ? ") Adam" : ")"),
       60000, false, flop},
      peer, size,
      [model = std::shared_ptr<Model>(), rng = mlp::Rng{1}](benchmark::State& state) mutable {
        if (!model) model = std::make_shared<Model>(initial_parameters<Net>());
        for (auto _ : state) epoch<Net>(*model, data<Net>().train, Task::batch, rng);
        if constexpr (requires { model->template infer<64>(nullptr); }) {
          require(state, score<Net>(*model, data<Net>().test), is_quick() ? 0.5 : 0.8, "learned only");
        }
      })
      ->Iterations(1);
}

/// Steps on the four samples of the exclusive or, from the initial parameters until it is learned and beyond.
template <class Model>
void add_xor(const std::string& peer) {
  constexpr int steps = 5000;
  add({"Training: million steps per second", "xor 2-8-1 tanh (4)", 1e6, true, 0}, peer, steps,
      [](benchmark::State& state) {
        const std::array<float, 8> x{0, 0, 0, 1, 1, 0, 1, 1};
        const std::array<float, 4> t{0, 1, 1, 0};
        Model model(initial_parameters<Xor::Net>());
        for (auto _ : state) {
          for (int i = 0; i < steps; ++i) model.step(Batch<Xor::Net>{x.data(), t.data(), 4});
        }
        double worst = 0;
        for (std::size_t j = 0; j < 4; ++j) {
          worst = std::fmax(worst, std::fabs(model.template infer<1>(&x[2 * j])[0] - t[j]));
        }
        require(state, 1 - worst, 0.8, "learned only");
      });
}

/// Time per sample for n samples at once. Each input depends on the previous output, so that calls do not
/// overlap.
template <class Net, int n, class Model>
void add_inference(const std::string& peer) {
  const std::string table =
      n == 1 ? "Inference of one sample: ns"
             : std::to_string(n).append(" samples at once: ns per sample").insert(0, "Inference of ");
  add({table, Net::name().append(Net::choose(" ReLU", " tanh", " ELU")), 1e9, false,
       Net::hidden == Hidden::tanh ? 0 : 2 * Net::weights()},
      peer, n, [](benchmark::State& state) {
        const Vector theta = initial_parameters<Net>();
        Model model(theta);
        Matrix x = Matrix::Random(Net::inputs, n);
        if constexpr (!requires { requires Model::is_approximate; }) {
          const Eigen::Map<const Matrix> y(model.template infer<n>(x.data()), Net::outputs, n);
          const Matrix expected = reference<Net>(theta, x);  // may be close to 0
          if (!((y - expected).norm() <= 1e-4f * (1 + expected.norm()))) state.SkipWithError("wrong outputs");
        }
        for (auto _ : state) x(0) += 1e-6f * model.template infer<n>(x.data())[0];
      });
}

/// Adds all benchmarks that a peer's `Model<Net, Task>` supports; Task is void for inference only.
///   Model(theta)                        see initial_parameters; its outputs may differ where is_approximate is true
///   void step(const Batch<Net>&)        a step of Task's optimizer
///   const float* infer<n>(const float*) the outputs of n samples, until the next call
/// Model must not be in an unnamed namespace: g++ 12 would merge the add_peer of two models with the same
/// name.
template <template <class Net, class Task> class Model>
bool add_peer(const std::string& name, const std::string& version) {
  peers().push_back({name, version, [name] {
                       const auto train = [&]<class Task>(std::type_identity<Task>) {
                         using Net = typename Task::Net;
                         using M = Model<Net, Task>;
                         if constexpr (requires(M m, Batch<Net> batch) { m.step(batch); })
                           add_training<Task, M>(name);
                       };
                       const auto infer = [&]<class Net>(std::type_identity<Net>) {
                         using M = Model<Net, void>;
                         if constexpr (requires(M m) { m.template infer<1>(nullptr); }) {
                           add_inference<Net, 1, M>(name);
                           add_inference<Net, 64, M>(name);
                           add_inference<Net, 10000, M>(name);
                         }
                       };
                       [&]<class... Task>(std::type_identity<std::tuple<Task...>>) {
                         (train(std::type_identity<Task>{}), ...);
                       }(std::type_identity<Trainings>{});
                       if constexpr (requires(Model<Xor::Net, Xor> m) { m.template infer<1>(nullptr); }) {
                         add_xor<Model<Xor::Net, Xor>>(name);
                       }
                       [&]<class... Net>(std::type_identity<std::tuple<Net...>>) {
                         (infer(std::type_identity<Net>{}), ...);
                       }(std::type_identity<Inferences>{});
                     }});
  return true;
}

}  // namespace suite
