// Allocations of steps and predictions: none with fixed sizes, otherwise none after the workspace has its
// size. Counts operator new, and makes Eigen assert that it does not call malloc.
#define EIGEN_RUNTIME_NO_MALLOC
#include <doctest/doctest.h>

#include <mlp/activation/relu.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/derivative/jacobian.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<int> news{0};
}

void* operator new(std::size_t size) {
  ++news;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace mlp;

namespace {

// An allocation by Eigen aborts the test through Eigen's assertion.
int allocations_of(auto&& call) {
  const int before = news;
  Eigen::internal::set_is_malloc_allowed(false);
  call();
  Eigen::internal::set_is_malloc_allowed(true);
  return news - before;
}

}  // namespace

TEST_CASE("a fixed network with a fixed batch allocates nothing") {
  Mlp<BinaryCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 1>> net;
  const Eigen::Matrix<float, 2, 4> x{{0, 0, 1, 1}, {0, 1, 0, 1}};
  const Eigen::Matrix<float, 1, 4> t{0, 1, 1, 0};
  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9});
  CHECK(allocations_of([&] { trainer.step(x, t); }) == 0);  // even the first step
  const Eigen::Vector2f sample{1, 0};
  CHECK(allocations_of([&] { net.predict(sample); }) == 0);
  CHECK(allocations_of([&] {
          const auto copy = net;
          copy.predict(sample);
        }) == 0);
}

TEST_CASE("a fixed network with every kind of layer allocates nothing, in any order of calls") {
  const Eigen::Matrix<float, 4, 4> x{{0, 0, 1, 1}, {0, 1, 0, 1}, {1, 0, 0, 1}, {1, 1, 1, 0}};
  const Eigen::Matrix<float, 1, 4> t{0, 1, 1, 0};
  const auto check = [&](auto net) {
    Rng rng{1};
    net.initialize(rng);
    Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9});
    CHECK(allocations_of([&] { trainer.step(x, t); }) == 0);
    const Eigen::Vector4f sample{1, 0, 2, 3};
    CHECK(allocations_of([&] { net.predict(sample); }) == 0);
    static_assert(noexcept(net.predict(sample)));
  };
  using L = BinaryCrossEntropy;
  using Block = Residual<LayerNorm<4>, Dense<4, 6, Tanh>, BatchNorm<6>, Dropout<6>, Dense<6, 4>>;
  check(Mlp<L, BatchNorm<4>, Dense<4, 1>>());
  check(Mlp<L, LayerNorm<4>, Dense<4, 1>>());
  check(Mlp<L, Dropout<4>, Dense<4, 1>>());
  check(Mlp<L, Activate<4, Tanh>, Dense<4, 1>>());
  check(Mlp<L, Block, Dense<4, 1>>());
}

TEST_CASE("a network of any size allocates nothing once the workspace has its size") {
  Mlp<SoftmaxCrossEntropy, Dense<Dynamic, Dynamic, ReLU>, Dense<Dynamic, Dynamic>> net({30, 40}, {40, 10});
  const Matrix<float> x = Matrix<float>::Ones(30, 32);
  const Labels t = Labels::Zero(32);
  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9});
  trainer.step(x, t);
  CHECK(allocations_of([&] { trainer.step(x, t); }) == 0);
  CHECK(allocations_of([&] { trainer.step(x.leftCols(7), t.head(7)); }) == 0);
  const Eigen::Matrix<float, 30, 4> four = x.leftCols<4>();
  CHECK(allocations_of([&] { trainer.step(four, t.head(4)); }) == 0);
  CHECK(allocations_of([&] { trainer.step(x, t); }) == 0);
}

TEST_CASE(
    "the Jacobian of a small fixed network allocates nothing, of a larger one nothing after the first") {
  const Mlp<BinaryCrossEntropy, Dense<4, 6, Tanh>, Dense<6, 5, Tanh>, Dense<5, 3>> small;
  const Eigen::Vector4f x = Eigen::Vector4f::Ones();
  CHECK(allocations_of([&] { jacobian(small, x); }) == 0);
  const Mlp<BinaryCrossEntropy, Dense<16, 64, ReLU>, Dense<64, 64, ReLU>, Dense<64, 4>> larger;
  const Eigen::Matrix<float, 16, 1> sample = Eigen::Matrix<float, 16, 1>::Ones();
  jacobian(larger, sample);
  CHECK(allocations_of([&] { jacobian(larger, sample); }) == 0);
}

TEST_CASE("a network with every kind of layer allocates nothing once the workspace has its size") {
  using Run = Dense<Dynamic, Dynamic>;
  using Block = Residual<LayerNorm<Dynamic>, Run, Activate<Dynamic, ReLU>, Dropout<Dynamic>, Run>;
  const Block block(LayerNorm<Dynamic>(40), Run(40, 9), Activate<Dynamic, ReLU>(9), Dropout<Dynamic>(9),
                    Run(9, 40));
  Mlp<SoftmaxCrossEntropy, Run, BatchNorm<Dynamic>, Block, Run> net({30, 40}, BatchNorm<Dynamic>(40), block,
                                                                    {40, 10});
  Rng rng{1};
  net.initialize(rng);
  const Matrix<float> x = Matrix<float>::Ones(30, 32);
  const Labels t = Labels::Zero(32);
  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9});
  trainer.step(x, t);
  CHECK(allocations_of([&] { trainer.step(x, t); }) == 0);
  CHECK(allocations_of([&] { trainer.step(x.leftCols(7), t.head(7)); }) == 0);
}

// Packed operands of its products are larger than what Eigen would put on the stack (128 KB).
TEST_CASE("a step of a large network allocates nothing once the workspace has its size") {
  Mlp<SoftmaxCrossEntropy, Dense<300, 400, ReLU>, Dense<400, 10>> net;
  const Matrix<float> x = Matrix<float>::Ones(300, 128);
  const Labels t = Labels::Zero(128);
  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9});
  trainer.step(x, t);
  CHECK(allocations_of([&] { trainer.step(x, t); }) == 0);
}

// Whether predict is noexcept, for the types of a network and of a vector or batch.
template <class Net, class X>
constexpr bool promises = noexcept(std::declval<const Net&>().predict(std::declval<const X&>()));

TEST_CASE("prediction of one sample by a fixed network: no allocation, noexcept") {
  using Large = Mlp<SoftmaxCrossEntropy, Dense<784, 128, ReLU>, Dense<128, 10>>;
  const Large net;
  const Eigen::Matrix<float, 784, 1> sample = Eigen::Matrix<float, 784, 1>::Ones();
  CHECK(allocations_of([&] { net.predict(sample); }) == 0);
  CHECK(allocations_of([&] { net.infer(sample); }) == 0);
  static_assert(promises<Large, Eigen::Matrix<float, 784, 1>>);
  static_assert(promises<Mlp<BinaryCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 1>>, Eigen::Vector2f>);
  static_assert(!promises<Large, Vector<float>>);
  static_assert(!promises<Large, Eigen::Matrix<float, 784, 64>>);
  static_assert(!promises<Mlp<SoftmaxCrossEntropy, Dense<784, Dynamic>, Dense<Dynamic, 10>>,
                          Eigen::Matrix<float, 784, 1>>);
  static_assert(!promises<Mlp<SoftmaxCrossEntropy, Dense<20000, 10>>, Eigen::Matrix<float, 20000, 1>>);
}
