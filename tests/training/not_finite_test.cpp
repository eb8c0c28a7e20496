#include <mlp/training/not_finite.hpp>

#include <mlp/base/random.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "message_of.hpp"

using namespace mlp;

namespace {

constexpr float bad = std::numeric_limits<float>::quiet_NaN();

// A network of two layers with a parameter each, whose pass finds the numbers that it was given.
struct Found {
  using ParameterVector = Vector<float>;
  static constexpr std::size_t depth = 2;
  struct Layer {
    Index parameter_count() const { return 1; }
  };
  struct Workspace {
    Rng rng{};
    std::array<Vector<float>, 2> y;
    std::array<int, 2> caches{};
    template <std::size_t I>
    const Vector<float>& output() const {
      return y[I];
    }
    template <std::size_t I>
    int& cache() {
      return caches[I];
    }
  };

  std::array<float, 2> y{}, dtheta{};
  float loss = 0;

  Index parameter_count() const { return 2; }
  Workspace workspace(Index) const { return {}; }
  float loss_and_gradient(const auto&, const auto&, const auto&, Workspace& ws,
                          Vector<float>& gradient) const {
    for (std::size_t i = 0; i < 2; ++i) ws.y[i] = Vector<float>::Constant(1, y[i]);
    gradient << dtheta[0], dtheta[1];
    return loss;
  }
  void for_each_layer(auto&& f) const {
    for (Index i = 0; i < 2; ++i) f(Layer{}, i, 0);
  }
};

std::string where(const Found& net, float x = 0, Index samples = 3) {
  return detail::where_not_finite(net, Matrix<float>::Constant(2, samples, x), Labels(samples),
                                  Vector<float>(), Rng{});
}

}  // namespace

TEST_CASE("not finite: the first place, forward and then backward") {
  CHECK(where({}, bad, 0) == "not on this rank");
  CHECK(where({.y = {bad, bad}}, bad) == "the inputs");
  CHECK(where({.y = {bad, bad}, .loss = bad}) == "the activations of layer 0");
  CHECK(where({.y = {0, bad}, .dtheta = {bad, bad}}) == "the activations of layer 1");
  CHECK(where({.dtheta = {bad, bad}, .loss = bad}) == "the loss itself, of finite outputs");
  CHECK(where({.dtheta = {bad, bad}}) == "the gradient of layer 1");
  CHECK(where({.dtheta = {bad, 0}}) == "the gradient of layer 0");
  CHECK(where({}) == "none of the activations and gradients seen here");
}

TEST_CASE("not finite: a layer that is a chain counts as its layers") {
  struct Step {
    struct {
      Vector<float> values;
      const Vector<float>& view() const { return values; }
    } y;
  };
  struct {
    std::array<Step, 3> steps;
  } chain;
  for (std::size_t i = 0; i < 3; ++i)
    chain.steps[i].y.values = Vector<float>::Constant(1, static_cast<float>(i));
  std::string seen;
  const auto look = [&](const auto& y) { seen += std::to_string(static_cast<int>(y(0))); };
  const Vector<float> output = Vector<float>::Constant(1, 9);
  detail::for_each_output(output, chain, look);  // the last step's y is the output
  int none = 0;
  detail::for_each_output(output, none, look);
  CHECK(seen == "0199");
}

TEST_CASE("not finite: the error tells where the run is") {
  Progress now;
  now.epoch = 3;
  now.batch = 2;
  now.steps = 7;
  CHECK(message_of<std::runtime_error>([&] { detail::raise_not_finite(now, "loss", bad, "the inputs"); }) ==
        "fit: epoch 3, batch 2, step 8: expected a finite loss, found nan; the first to go bad: the inputs. "
        "The "
        "data hold a nan or infinity, or the learning rate is too large");
}
