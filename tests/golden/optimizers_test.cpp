#include <mlp/activation/tanh.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/adagrad.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/optimizer/adamw.hpp>
#include <mlp/optimizer/rmsprop.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>

#include "golden/compare.hpp"
#include "golden/optimizers.hpp"

/// Steps of every optimizer on a network, compared with PyTorch.

using namespace mlp;

namespace {

// The error of a pass, as in golden_test.cpp: 11 units and 8 samples. It exceeds the few roundings of an
// optimizer's step, on parameters below 4. Each step adds this error; make_optimizers.py measured how it
// propagates: the sensitivity.
template <class S>
constexpr double step_error = 4 * (11 + 8) * static_cast<double>(std::numeric_limits<S>::epsilon());

template <class S>
void check_steps(const auto& optimizer, const golden::optimizers::Trajectory& expected, Index last_step) {
  using namespace golden::optimizers;
  constexpr auto samples = static_cast<Index>(std::size(t));
  const auto all_x = golden::matrix<S, double>(x, 4, samples);
  const Labels all_t = golden::matrix<int, int>(t, samples, 1);
  BasicMlp<S, SoftmaxCrossEntropy, Dense<4, 8, Tanh>, Dense<8, 3>> net;
  net.parameters() = golden::matrix<S, double>(start, net.parameter_count(), 1);
  Trainer trainer(net, optimizer);
  std::size_t c = 0;
  for (Index step = 1; step <= last_step; ++step) {
    const Index first = (step - 1) * batch_size % samples;
    const S loss = trainer.step(all_x.middleCols(first, batch_size), all_t.segment(first, batch_size));
    if (step != checkpoints[c]) continue;
    CAPTURE(step);
    const double bound = expected.sensitivities[c] * step_error<S>;
    CHECK(std::abs(static_cast<double>(loss) - expected.losses[c]) <= bound);
    const auto parameters = expected.parameters.subspan(c * std::size(start), std::size(start));
    CHECK(golden::worst_error(net.parameters(), parameters) <= bound);
    ++c;
  }
  CHECK(c >= 3);
}

// In float, a trajectory stays close for fewer steps.
void check_steps(const auto& optimizer, const golden::optimizers::Trajectory& expected) {
  check_steps<double>(optimizer, expected, 200);
  check_steps<float>(optimizer, expected, 50);
}

}  // namespace

TEST_CASE("PyTorch: Sgd") {
  check_steps(Sgd{.learning_rate = 0.25}, golden::optimizers::sgd);
  check_steps(Sgd{.learning_rate = 0.05, .momentum = 0.9}, golden::optimizers::sgd_momentum);
  check_steps(Sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true},
              golden::optimizers::sgd_nesterov);
}

TEST_CASE("PyTorch: Adam") {
  check_steps(Adam{.learning_rate = 0.01}, golden::optimizers::adam);
  check_steps(Adam{.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4, .weight_decay = 0.05},
              golden::optimizers::adam_decay);
}

TEST_CASE("PyTorch: AdamW") {
  check_steps(AdamW{.learning_rate = 0.01, .weight_decay = 0.5}, golden::optimizers::adamw);
}

TEST_CASE("PyTorch: RMSprop") {
  check_steps(RMSprop{}, golden::optimizers::rmsprop);
  check_steps(RMSprop{.learning_rate = 0.002,
                      .alpha = 0.9,
                      .epsilon = 1e-2,
                      .weight_decay = 0.02,
                      .momentum = 0.8,
                      .centered = true},
              golden::optimizers::rmsprop_all);
}

TEST_CASE("PyTorch: Adagrad") {
  check_steps(Adagrad{.learning_rate = 0.1}, golden::optimizers::adagrad);
  check_steps(Adagrad{.learning_rate = 0.2,
                      .learning_rate_decay = 0.01,
                      .weight_decay = 0.02,
                      .initial_accumulator_value = 0.1,
                      .epsilon = 1e-6},
              golden::optimizers::adagrad_all);
}
