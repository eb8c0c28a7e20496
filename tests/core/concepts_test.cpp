// The concepts accept the library's parts, and reject types with any one member missing or wrong.
#include <doctest/doctest.h>

#include <mlp/activation/leaky_relu.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>

using namespace mlp;

namespace {

struct NeedsInputButTakesNone {
  static constexpr bool needs_input = true;
  void forward(auto&) const {}
  void backward(const auto&, auto&) const {}
};
struct NoForward {
  static constexpr bool needs_input = false;
  void backward(const auto&, auto&) const {}
};

// A layer whose Cache has one template parameter, which is sufficient.
struct Copy : Sizes<2, 2> {
  template <class S>
  struct Cache {};
  void initialize(auto&, Rng&) const {}
  void infer(const auto&, const auto& x, auto& y) const { y = x; }
  void forward(const auto&, const auto& x, auto& y, auto&, Rng&) const { y = x; }
  void backward(const auto&, const auto&, const auto&, auto&, auto& dy, auto&, auto& dx) const { dx = dy; }
};
struct NoCache : Sizes<2, 2> {
  void initialize(auto&, Rng&) const {}
  void infer(const auto&, const auto&, auto&) const {}
  void forward(const auto&, const auto&, auto&, auto&, Rng&) const {}
  void backward(const auto&, const auto&, const auto&, auto&, auto&, auto&, auto&) const {}
};

struct NoLink {
  template <class S>
  using Target = Matrix<S>;
  template <class Y>
  typename Y::Scalar value(const Y&, const auto&) const;
  void gradient(const auto&, const auto&, auto&) const {}
};

struct NoSlots {
  void step(auto&, const auto&, auto&, Index) const {}
};

}  // namespace

TEST_CASE("concepts") {
  static_assert(Activation<LeakyReLU> && Activation<Identity, double>);
  static_assert(!Activation<NeedsInputButTakesNone> && !Activation<NoForward> && !Activation<int>);

  static_assert(Layer<Dense<2, 3>> && Layer<Dense<Dynamic, 3, LeakyReLU>, double> && Layer<Copy>);
  static_assert(!Layer<NoCache> && !Layer<LeakyReLU> && !Layer<int>);

  static_assert(Loss<MeanSquaredError> && Loss<BinaryCrossEntropy, double> && Loss<SoftmaxCrossEntropy>);
  static_assert(!Loss<NoLink> && !Loss<Dense<2, 3>> && !Loss<int>);

  static_assert(Optimizer<Sgd> && Optimizer<Sgd, double>);
  static_assert(!Optimizer<NoSlots> && !Optimizer<double>);
}
