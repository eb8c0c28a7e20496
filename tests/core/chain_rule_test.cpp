#include <mlp/core/chain_rule.hpp>

#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/chain.hpp>
#include <mlp/core/workspace.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/chains.hpp"

using namespace mlp;

namespace {

using M = Matrix<double>;
using V = Vector<double>;

using chains::plain, chains::stateful, chains::Plain, chains::Stateful;

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

// Room for the buffers of a chain.
template <class Chain>
using BuffersOf = detail::PassBuffers<double, Dynamic, typename Chain::LayerTuple>;

template <class Chain>
M infer(const Chain& chain, const V& theta, const V& state, const M& x) {
  M y(chain.outputs(), x.cols());
  auto y_view = view(y);
  const auto x_view = view(x);
  detail::LayerBuffers<double, Dynamic, typename Chain::LayerTuple> scratch;
  detail::ChainInference pass(x_view, y_view, scratch);
  detail::infer_through(chain, theta, state, pass);
  return y;
}

template <class Chain>
M forward_eval(const Chain& chain, const V& theta, const V& state, const M& x) {
  BuffersOf<Chain> buffers;
  buffers.resize(chain.layers(), x.cols());
  const auto x_view = view(x);
  detail::ChainPass pass(x_view, buffers);
  detail::forward_eval_through(chain, theta, state, pass);
  return buffers.outputs();
}

void forward(const auto& chain, const V& theta, const M& x, auto& buffers, Rng& rng) {
  const auto x_view = view(x);
  detail::ChainPass pass(x_view, buffers);
  detail::forward_through(chain, theta, pass, rng);
}

void backward(const auto& chain, const V& theta, const M& x, auto& buffers, V& gradient, auto& dx) {
  const auto x_view = view(x);
  detail::ChainBackwardPass pass(x_view, buffers, dx);
  detail::backward_through(chain, theta, pass, gradient);
}
void backward(const auto& chain, const V& theta, const M& x, auto& buffers, V& gradient) {
  detail::UnusedGradient unused{buffers.unused_input_gradient()};
  backward(chain, theta, x, buffers, gradient, unused);
}

// y = theta x, with a backward pass that leaves dx out or, if NeedsDx, only one that does not. Counts the calls.
template <bool NeedsDx>
struct Counting : Sizes<2, 2, 1> {
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

TEST_CASE("parameters, state and mask are those of the layers, one after the other") {
  Rng rng{1}, same{1};
  const Plain chain = plain();
  V theta(53), expected(53);
  detail::initialize_layers(chain, theta, rng);
  auto first = expected.head(16), second = expected.segment(16, 25), third = expected.tail(12);
  Dense<3, 4, Tanh>{}.initialize(first, same);
  Dense<Dynamic, Dynamic, Sigmoid>(4, 5).initialize(second, same);
  Dense<5, 2>{}.initialize(third, same);
  CHECK(theta == expected);
  CHECK(rng() == same());

  V mask(53);
  detail::mark_weights(chain, mask);
  expected << V::Ones(12), V::Zero(4), V::Ones(20), V::Zero(5), V::Ones(10), V::Zero(2);
  CHECK(mask == expected);

  V state(10), expected_state(10);
  detail::initialize_state(stateful(), state);
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

  BuffersOf<Plain> buffers;
  buffers.resize(chain.layers(), 6);
  Rng rng;
  forward(chain, theta, x, buffers, rng);
  CHECK(is_near(buffers.output<0>(), y1));
  CHECK(is_near(buffers.output<1>(), y2));
  CHECK(is_near(buffers.output<2>(), y3));
  CHECK(buffers.outputs() == buffers.output<2>());

  // Written, not added, and all of it.
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  V gradient = V::Constant(53, nan), without = gradient;
  M dx = M::Constant(3, 6, nan);
  auto dx_view = view(dx);
  buffers.output_gradient() = dy;
  backward(chain, theta, x, buffers, gradient, dx_view);
  CHECK(is_near(gradient, expected));
  CHECK(is_near(dx, W1.transpose() * delta1));
  buffers.output_gradient() = dy;
  backward(chain, theta, x, buffers, without);
  CHECK(without == gradient);

  // With deterministic layers all passes give the same bits.
  CHECK(infer(chain, theta, V{}, x) == buffers.outputs());
  CHECK(forward_eval(chain, theta, V{}, x) == buffers.outputs());
}

TEST_CASE("a chain of one layer") {
  const detail::Chain<double, Dense<Dynamic, Dynamic, Sigmoid>> chain({{3, 2}});
  const V theta = numbers(8, 1, 1);
  const M x = numbers(3, 4, 2);
  const M b = theta.tail(2);
  const M z = (Eigen::Map<const M>(theta.data(), 2, 3) * x).colwise() + b.col(0);
  CHECK(is_near(infer(chain, theta, V{}, x), (1 + (-z.array()).exp()).inverse().matrix()));
  CHECK(chain.parameter_count() == 8);
}

TEST_CASE("the first layer works out no dx that nobody asks for") {
  Counting<false>::Calls first, second;
  const detail::Chain<double, Counting<false>, Counting<false>> chain(
      {Counting<false>(first), Counting<false>(second)});
  const V theta{{2, 3}};
  const M x{{1, 2, 3}, {4, 5, 6}}, dy{{1, 0, 0}, {0, 1, 0}};
  BuffersOf<std::remove_const_t<decltype(chain)>> buffers;
  buffers.resize(chain.layers(), 3);
  Rng rng;
  forward(chain, theta, x, buffers, rng);
  CHECK(buffers.outputs() == 6 * x);
  V gradient(2);
  M dx(2, 3);
  auto dx_view = view(dx);
  buffers.output_gradient() = dy;
  backward(chain, theta, x, buffers, gradient);
  CHECK(gradient == V{{3 * 6, 2 * 6}});  // x . dy = 1 + 5
  CHECK(first.without_dx == 1);
  CHECK(first.with_dx == 0);
  CHECK(second.without_dx == 0);
  CHECK(second.with_dx == 1);
  buffers.output_gradient() = dy;
  backward(chain, theta, x, buffers, gradient, dx_view);
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
  BuffersOf<std::remove_const_t<decltype(chain)>> buffers;
  buffers.resize(chain.layers(), 3);
  Rng rng;
  forward(chain, theta, x, buffers, rng);
  V gradient(2);
  buffers.output_gradient() = dy;
  backward(chain, theta, x, buffers, gradient);
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
  CHECK(is_near(forward_eval(chain, theta, state, x), expected));

  // After a forward pass: running = (1 - momentum) running + momentum (mean, or B / (B - 1) variance).
  BuffersOf<Stateful> buffers;
  buffers.resize(chain.layers(), 7);
  Rng rng;
  forward(chain, theta, x, buffers, rng);
  V expected_state = state;
  const auto follow = [&](Index at, const M& a, double momentum) {
    const Index n = a.rows();
    const V mean = a.rowwise().mean(), squares = (a.colwise() - mean).rowwise().squaredNorm();
    expected_state.segment(at, n) += momentum * (mean - state.segment(at, n));
    expected_state.segment(at + n, n) += momentum * (squares / 6 - state.segment(at + n, n));
  };
  follow(0, x, 0.25);
  follow(4, buffers.output<1>(), 0.75);
  detail::update_state(chain, state, buffers);
  CHECK(is_near(state, expected_state));
}

TEST_CASE("layers draw their random numbers one after the other") {
  const Dropout<4> a(0.25), b(0.5);
  const detail::Chain<double, Dropout<4>, Dropout<4>> chain({a, b});
  const V none;
  const M x = numbers(4, 5, 1);
  BuffersOf<std::remove_const_t<decltype(chain)>> buffers;
  buffers.resize(chain.layers(), 5);
  Rng rng{7}, same{7};
  forward(chain, none, x, buffers, rng);
  M h(4, 5), y(4, 5);
  auto h_view = view(h), y_view = view(y);
  Dropout<4>::Cache<double> cache;
  a.forward(none, x, h_view, cache, same);
  b.forward(none, h, y_view, cache, same);
  CHECK(buffers.output<0>() == h);
  CHECK(buffers.outputs() == y);
  CHECK(rng() == same());
  // A prediction draws none.
  CHECK(forward_eval(chain, none, V{}, x) == x);
  CHECK(infer(chain, none, V{}, x) == x);
}
