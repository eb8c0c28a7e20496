#include <mlp/core/layer_adaptor.hpp>

#include <mlp/base/buffer.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>

#include <doctest/doctest.h>

using namespace mlp;

namespace {

using M = Matrix<double>;
using V = Vector<double>;

struct Calls {
  int calls = 0;
};

// y = theta x + state in a prediction, theta x in training. Only the members that a layer must have.
struct Plain : Sizes<2, 2, 1> {
  template <class S>
  using Cache = Calls;
  void initialize(auto& theta, Rng&) const { theta.setOnes(); }
  void infer(const auto& theta, const auto& x, auto& y) const { y = theta(0) * x; }
  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng&) const {
    ++cache.calls;
    y = theta(0) * x;
  }
  void backward(const auto& theta, const auto&, const auto&, auto&, auto& dy, auto& dtheta, auto& dx) const {
    dtheta.setConstant(7);
    dx = theta(0) * dy;
  }
};

// The same with all optional members.
struct Full : Plain, Sizes<2, 2, 1, 1> {
  using Sizes = mlp::Sizes<2, 2, 1, 1>;
  using Sizes::inputs, Sizes::outputs, Sizes::parameter_count, Sizes::state_count;
  void initialize_state(auto& state) const { state.setConstant(3); }
  void update_state(auto& state, const auto& cache) const { state(0) = cache.calls; }
  void infer(const auto& theta, const auto& state, const auto& x, auto& y) const {
    y = (theta(0) * x).array() + state(0);
  }
  void forward_eval(const auto& theta, const auto& state, const auto& x, auto& y, auto& cache) const {
    cache.calls = 10;
    infer(theta, state, x, y);
  }
  using Plain::backward;
  void backward(const auto&, const auto&, const auto&, auto&, auto&, auto& dtheta) const {
    dtheta.setConstant(8);
  }
  void mark_weights(auto& mask) const { mask.setZero(); }
};

}  // namespace

TEST_CASE("LayerAdaptor: the defaults of a layer with the required members alone") {
  const Plain layer;
  const detail::LayerAdaptor adaptor(layer);
  const V theta = V::Constant(1, 2);
  V state(0), mask = V::Zero(1), dtheta(1);
  const M x{{1, 2}, {3, 4}};
  M y(2, 2), dy = x;
  Calls cache;
  adaptor.infer(theta, state, x, y);
  CHECK(y == 2 * x);
  CHECK(cache.calls == 0);
  adaptor.forward_eval(theta, state, x, y, cache);  // forward
  CHECK(y == 2 * x);
  CHECK(cache.calls == 1);
  adaptor.initialize_state(state);
  adaptor.update_state(state, cache);
  adaptor.mark_weights(mask);
  CHECK(mask(0) == 1);

  Buffer<double, Dynamic, Dynamic> room;
  detail::UnusedGradient unused{room};
  adaptor.backward(theta, x, y, cache, dy, dtheta, unused);
  CHECK(dtheta(0) == 7);
  CHECK(room.view() == 2 * dy);  // the layer had to write it somewhere
}

TEST_CASE("LayerAdaptor: optional members are used") {
  static_assert(StatefulLayer<Full> && !StatefulLayer<Plain>);
  const Full layer;
  const detail::LayerAdaptor adaptor(layer);
  const V theta = V::Constant(1, 2);
  V state(1), mask = V::Ones(1), dtheta(1);
  const M x{{1, 2}, {3, 4}};
  M y(2, 2), dy = x, dx(2, 2);
  Calls cache;
  adaptor.initialize_state(state);
  adaptor.infer(theta, state, x, y);
  CHECK(y == M((2 * x).array() + 3));
  Rng rng;
  adaptor.forward(theta, x, y, cache, rng);
  CHECK(y == 2 * x);
  adaptor.forward_eval(theta, state, x, y, cache);
  CHECK(y == M((2 * x).array() + 3));
  adaptor.update_state(state, cache);
  CHECK(state(0) == 10);
  adaptor.mark_weights(mask);
  CHECK(mask(0) == 0);

  Buffer<double, Dynamic, Dynamic> room;
  detail::UnusedGradient unused{room};
  adaptor.backward(theta, x, y, cache, dy, dtheta, unused);
  CHECK(dtheta(0) == 8);
  CHECK(room.view().size() == 0);
  adaptor.backward(theta, x, y, cache, dy, dtheta, dx);
  CHECK(dtheta(0) == 7);
  CHECK(dx == 2 * dy);
}
