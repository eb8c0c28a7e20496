#include <mlp/chain.hpp>

#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <vector>

#include "message_of.hpp"

using namespace mlp;

namespace {

using M = Matrix<double>;
using V = Vector<double>;

using Plain = detail::Chain<double, Dense<3, 4, Tanh>, Dense<Dynamic, Dynamic, Sigmoid>, Dense<5, 2>>;
using Stateful = detail::Chain<double, BatchNorm<2>, Dense<2, 3>, BatchNorm<Dynamic>, Dropout<3>>;

Plain plain() { return Plain({{}, {4, 5}, {}}); }
Stateful stateful() {
  return Stateful({BatchNorm<2>(0.5, 0.25), {}, BatchNorm<Dynamic>(3, 0.125, 0.75), Dropout<3>(0.5)});
}

M numbers(Index rows, Index cols, std::uint64_t seed) {
  M m(rows, cols);
  Rng rng{seed};
  fill(m, [&] { return rng.normal(); });
  return m;
}

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

// Whether no coefficient is further off than by so many roundings of numbers of the size of 1 to 10.
bool is_near(const M& found, const M& expected) {
  if (found.rows() != expected.rows() || found.cols() != expected.cols()) return false;
  return (found - expected).cwiseAbs().maxCoeff() <= 200 * std::numeric_limits<double>::epsilon();
}

// Room for the passes of a chain.
template <class Chain>
using PassesOf = detail::Passes<double, Dynamic, typename Chain::LayerTuple>;

template <class Chain>
M infer(const Chain& chain, const V& theta, const auto& state, const M& x) {
  M y(chain.outputs(), x.cols());
  auto y_view = view(y);
  detail::LayerBuffers<double, Dynamic, typename Chain::LayerTuple> scratch;
  chain.infer(theta, state, view(x), y_view, scratch);
  return y;
}

template <class Chain>
M linearize(const Chain& chain, const V& theta, const auto& state, const M& x) {
  PassesOf<Chain> passes;
  passes.resize(chain.layers(), x.cols());
  chain.linearize(theta, state, view(x), passes);
  return passes.outputs();
}

// y = theta x, with a backward pass that leaves dx out or, if NeedsDx, only one that does not. Counts the calls.
template <bool NeedsDx>
struct Counting : Inputs<2>, Outputs<2>, ParameterCount<1> {
  template <class S>
  struct Cache {};
  struct Calls {
    int with_dx = 0, without_dx = 0;
    Index rows = 0, cols = 0;  // of the last dx
  };
  Calls* calls;
  explicit Counting(Calls& c) : calls(&c) {}

  void initialize(auto& theta, Rng&) const { theta.setOnes(); }
  void infer(const auto& theta, const auto& x, auto& y) const { y = theta(0) * x; }
  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }
  void backward(const auto& theta, const auto& x, const auto&, auto&, auto& dy, auto& dtheta,
                auto& dx) const {
    ++calls->with_dx;
    calls->rows = dx.rows();
    calls->cols = dx.cols();
    dtheta(0) = x.cwiseProduct(dy).sum();
    dx = theta(0) * dy;
  }
  void backward(const auto&, const auto& x, const auto&, auto&, auto& dy, auto& dtheta) const
      requires(!NeedsDx) {
    ++calls->without_dx;
    dtheta(0) = x.cwiseProduct(dy).sum();
  }
};

}  // namespace

TEST_CASE("sizes: constants where those of all layers are, sums of the layers' else") {
  using Static = detail::Chain<double, Dense<3, 4>, BatchNorm<4>, Dense<4, 2>>;
  static_assert(Static::inputs() == 3 && Static::outputs() == 2 && Static::parameter_count() == 16 + 8 + 10);
  static_assert(Static::static_state == 8 && Static::depth == 3);
  static_assert(Plain::inputs() == 3 && Plain::outputs() == 2 && Plain::static_state == 0);
  static_assert(Stateful::static_state == Dynamic);
  CHECK(plain().parameter_count() == 16 + 25 + 12);
  CHECK(plain().state_size() == 0);
  CHECK(stateful().parameter_count() == 4 + 9 + 6 + 0);
  CHECK(stateful().state_size() == 4 + 0 + 6 + 0);
  CHECK(message_of([] {
          Plain({{}, {4, 6}, {}});
        }) == "mlp: layer 2: expected 6 inputs, as the layer before it has outputs, found 5");
  CHECK(message_of([] {
          Plain({{}, {3, 5}, {}});
        }) == "mlp: layer 1: expected 4 inputs, as the layer before it has outputs, found 3");
}

TEST_CASE("offsets and slices of parameters and state") {
  const Stateful chain = stateful();
  CHECK(chain.offset<0>() == 0);
  CHECK(chain.offset<1>() == 4);
  CHECK(chain.offset<2>() == 13);
  CHECK(chain.offset<3>() == 19);
  CHECK(chain.state_offset<0>() == 0);
  CHECK(chain.state_offset<1>() == 4);
  CHECK(chain.state_offset<2>() == 4);
  CHECK(chain.state_offset<3>() == 10);

  V theta = V::LinSpaced(19, 0, 18), state = V::LinSpaced(10, 100, 109);
  CHECK(chain.slice<0>(theta) == theta.head(4));
  CHECK(chain.slice<1>(theta) == theta.segment(4, 9));
  CHECK(chain.slice<2>(theta) == theta.segment(13, 6));
  CHECK(chain.slice<3>(theta).size() == 0);
  CHECK(chain.state_slice<0>(state) == state.head(4));
  CHECK(chain.state_slice<1>(state).size() == 0);
  CHECK(chain.state_slice<2>(state) == state.tail(6));
  const V& constant = theta;
  static_assert(std::is_const_v<std::remove_reference_t<decltype(*chain.slice<1>(constant).data())>>);
  chain.slice<1>(theta)(8) = -1;
  CHECK(theta(12) == -1);

  std::vector<std::array<Index, 3>> seen;
  chain.for_each_layer([&](const auto& layer, Index at, Index state_at) {
    seen.push_back({layer.inputs(), at, state_at});
  });
  CHECK(seen == std::vector<std::array<Index, 3>>{{2, 0, 0}, {2, 4, 4}, {3, 13, 4}, {3, 19, 10}});
}

TEST_CASE("parameters, state and mask are those of the layers, one after the other") {
  Rng rng{1}, same{1};
  const Plain chain = plain();
  V theta(53), expected(53);
  chain.initialize(theta, rng);
  auto first = expected.head(16), second = expected.segment(16, 25), third = expected.tail(12);
  Dense<3, 4, Tanh>{}.initialize(first, same);
  Dense<Dynamic, Dynamic, Sigmoid>(4, 5).initialize(second, same);
  Dense<5, 2>{}.initialize(third, same);
  CHECK(theta == expected);
  CHECK(rng() == same());

  V mask(53);
  chain.mark_weights(mask);
  expected << V::Ones(12), V::Zero(4), V::Ones(20), V::Zero(5), V::Ones(10), V::Zero(2);
  CHECK(mask == expected);

  V state(10), expected_state(10);
  stateful().initialize_state(state);
  expected_state << 0, 0, 1, 1, 0, 0, 0, 1, 1, 1;
  CHECK(state == expected_state);
}

TEST_CASE("forward and backward through three layers, by the chain rule written out") {
  const Plain chain = plain();
  const V theta = numbers(53, 1, 1);
  const M x = numbers(3, 6, 2), dy = numbers(2, 6, 3);
  const auto at = [&](Index offset, Index rows, Index cols) {
    return M(Eigen::Map<const M>(theta.data() + offset, rows, cols));
  };
  const M W1 = at(0, 4, 3), b1 = at(12, 4, 1), W2 = at(16, 5, 4), b2 = at(36, 5, 1), W3 = at(41, 2, 5),
          b3 = at(51, 2, 1);
  const M y1 = ((W1 * x).colwise() + b1.col(0)).array().tanh();
  const M y2 = (1 + (-((W2 * y1).colwise() + b2.col(0)).array()).exp()).inverse();
  const M y3 = (W3 * y2).colwise() + b3.col(0);
  const M delta2 = (W3.transpose() * dy).array() * y2.array() * (1 - y2.array());
  const M delta1 = (W2.transpose() * delta2).array() * (1 - y1.array().square());
  V expected(53);
  expected << (delta1 * x.transpose()).reshaped(), delta1.rowwise().sum(),
      (delta2 * y1.transpose()).reshaped(), delta2.rowwise().sum(), (dy * y2.transpose()).reshaped(),
      dy.rowwise().sum();

  PassesOf<Plain> passes;
  passes.resize(chain.layers(), 6);
  Rng rng;
  chain.forward(theta, view(x), passes, rng);
  CHECK(is_near(passes.output<0>(), y1));
  CHECK(is_near(passes.output<1>(), y2));
  CHECK(is_near(passes.output<2>(), y3));
  CHECK(passes.outputs() == passes.output<2>());

  // Written, not added, and all of it.
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  V gradient = V::Constant(53, nan), without = gradient;
  M dx = M::Constant(3, 6, nan);
  auto dx_view = view(dx);
  passes.output_gradient() = dy;
  chain.backward(theta, view(x), passes, gradient, dx_view);
  CHECK(is_near(gradient, expected));
  CHECK(is_near(dx, W1.transpose() * delta1));
  passes.output_gradient() = dy;
  chain.backward(theta, view(x), passes, without);
  CHECK(without == gradient);

  // Of deterministic layers all passes give the same bits.
  CHECK(infer(chain, theta, detail::NoState{}, x) == passes.outputs());
  CHECK(linearize(chain, theta, detail::NoState{}, x) == passes.outputs());
}

TEST_CASE("a chain of one layer") {
  const detail::Chain<double, Dense<Dynamic, Dynamic, Sigmoid>> chain({{3, 2}});
  const V theta = numbers(8, 1, 1);
  const M x = numbers(3, 4, 2);
  const M b = theta.tail(2);
  const M z = (Eigen::Map<const M>(theta.data(), 2, 3) * x).colwise() + b.col(0);
  CHECK(is_near(infer(chain, theta, detail::NoState{}, x), (1 + (-z.array()).exp()).inverse().matrix()));
  CHECK(chain.parameter_count() == 8);
}

TEST_CASE("the first layer works out no dx that nobody asks for") {
  Counting<false>::Calls first, second;
  const detail::Chain<double, Counting<false>, Counting<false>> chain(
      {Counting<false>(first), Counting<false>(second)});
  const V theta{{2, 3}};
  const M x{{1, 2, 3}, {4, 5, 6}}, dy{{1, 0, 0}, {0, 1, 0}};
  PassesOf<std::remove_const_t<decltype(chain)>> passes;
  passes.resize(chain.layers(), 3);
  Rng rng;
  chain.forward(theta, view(x), passes, rng);
  CHECK(passes.outputs() == 6 * x);
  V gradient(2);
  M dx(2, 3);
  auto dx_view = view(dx);
  passes.output_gradient() = dy;
  chain.backward(theta, view(x), passes, gradient);
  CHECK(gradient == V{{3 * 6, 2 * 6}});  // x . dy = 1 + 5
  CHECK(first.without_dx == 1);
  CHECK(first.with_dx == 0);
  CHECK(second.without_dx == 0);
  CHECK(second.with_dx == 1);
  passes.output_gradient() = dy;
  chain.backward(theta, view(x), passes, gradient, dx_view);
  CHECK(gradient == V{{3 * 6, 2 * 6}});
  CHECK(dx == 6 * dy);
  CHECK(first.without_dx == 1);
  CHECK(first.with_dx == 1);
}

TEST_CASE("a first layer that can't do without dx is given room for it") {
  Counting<true>::Calls first, second;
  const detail::Chain<double, Counting<true>, Counting<true>> chain(
      {Counting<true>(first), Counting<true>(second)});
  const V theta{{2, 3}};
  const M x{{1, 2, 3}, {4, 5, 6}}, dy{{1, 0, 0}, {0, 1, 0}};
  PassesOf<std::remove_const_t<decltype(chain)>> passes;
  passes.resize(chain.layers(), 3);
  Rng rng;
  chain.forward(theta, view(x), passes, rng);
  V gradient(2);
  passes.output_gradient() = dy;
  chain.backward(theta, view(x), passes, gradient);
  CHECK(gradient == V{{3 * 6, 2 * 6}});
  CHECK(first.with_dx == 1);
  CHECK(first.rows == 2);
  CHECK(first.cols == 3);
}

TEST_CASE("each layer reads and updates its own part of the state") {
  const Stateful chain = stateful();
  const V theta = numbers(19, 1, 1);
  V state = numbers(10, 1, 2);
  state.segment(2, 2) = state.segment(2, 2).cwiseAbs();
  state.tail(3) = state.tail(3).cwiseAbs();
  const M x = numbers(2, 7, 3);

  // gamma (x - mean) / sqrt(variance + epsilon) + beta; a prediction drops nothing.
  const auto normalized = [](const M& a, const V& mean, const V& variance, double epsilon,
                             const V& gamma_beta) {
    const Index n = a.rows();
    const V scale = gamma_beta.head(n).array() / (variance.array() + epsilon).sqrt();
    return M((scale.asDiagonal() * (a.colwise() - mean)).colwise() + gamma_beta.tail(n));
  };
  const Eigen::Map<const M> W(theta.data() + 4, 3, 2);
  const V b = theta.segment(10, 3);
  const M h = normalized(x, state.head(2), state.segment(2, 2), 0.5, theta.head(4));
  const M expected =
      normalized((W * h).colwise() + b, state.segment(4, 3), state.tail(3), 0.125, theta.segment(13, 6));
  CHECK(is_near(infer(chain, theta, state, x), expected));
  CHECK(is_near(linearize(chain, theta, state, x), expected));

  // After a forward pass: running = (1 - momentum) running + momentum (mean, or B / (B - 1) variance).
  PassesOf<Stateful> passes;
  passes.resize(chain.layers(), 7);
  Rng rng;
  chain.forward(theta, view(x), passes, rng);
  V expected_state = state;
  const auto follow = [&](Index at, const M& a, double momentum) {
    const Index n = a.rows();
    const V mean = a.rowwise().mean(), squares = (a.colwise() - mean).rowwise().squaredNorm();
    expected_state.segment(at, n) += momentum * (mean - state.segment(at, n));
    expected_state.segment(at + n, n) += momentum * (squares / 6 - state.segment(at + n, n));
  };
  follow(0, x, 0.25);
  follow(4, passes.output<1>(), 0.75);
  chain.update_state(state, passes);
  CHECK(is_near(state, expected_state));
}

TEST_CASE("layers draw their random numbers one after the other") {
  const Dropout<4> a(0.25), b(0.5);
  const detail::Chain<double, Dropout<4>, Dropout<4>> chain({a, b});
  const V none;
  const M x = numbers(4, 5, 1);
  PassesOf<std::remove_const_t<decltype(chain)>> passes;
  passes.resize(chain.layers(), 5);
  Rng rng{7}, same{7};
  chain.forward(none, view(x), passes, rng);
  M h(4, 5), y(4, 5);
  auto h_view = view(h), y_view = view(y);
  Dropout<4>::Cache<double> cache;
  a.forward(none, x, h_view, cache, same);
  b.forward(none, h, y_view, cache, same);
  CHECK(passes.output<0>() == h);
  CHECK(passes.outputs() == y);
  CHECK(rng() == same());
  // In a prediction none.
  CHECK(linearize(chain, none, detail::NoState{}, x) == x);
  CHECK(infer(chain, none, detail::NoState{}, x) == x);
}
