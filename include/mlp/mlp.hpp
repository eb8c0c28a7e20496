#pragma once

/// Everything that trains and runs a network whose shape is in its type. Other headers are included by name: a shape
/// known at run time (dynamic/), minimizers that take all data at once (minimize/), further derivatives (derivative/),
/// files (io/), many machines (parallel/).

#include <mlp/activation/elu.hpp>
#include <mlp/activation/gelu.hpp>
#include <mlp/activation/hard_tanh.hpp>
#include <mlp/activation/identity.hpp>
#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/mish.hpp>
#include <mlp/activation/relu.hpp>
#include <mlp/activation/selu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/silu.hpp>
#include <mlp/activation/softplus.hpp>
#include <mlp/activation/softsign.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/network.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/data/metrics.hpp>
#include <mlp/data/scalers.hpp>
#include <mlp/derivative/gradient_check.hpp>
#include <mlp/initializer/glorot.hpp>
#include <mlp/initializer/he.hpp>
#include <mlp/initializer/lecun.hpp>
#include <mlp/initializer/zeros.hpp>
#include <mlp/kernel/norm.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/gaussian_nll.hpp>
#include <mlp/loss/hinge.hpp>
#include <mlp/loss/huber.hpp>
#include <mlp/loss/mean_absolute_error.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/poisson_nll.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/adagrad.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/optimizer/adamw.hpp>
#include <mlp/optimizer/decay_weights_only.hpp>
#include <mlp/optimizer/rmsprop.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/clip.hpp>
#include <mlp/training/evaluate.hpp>
#include <mlp/training/fit.hpp>
#include <mlp/training/schedule.hpp>
#include <mlp/training/trainer.hpp>
