#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/kernel/tile.hpp>

#include <optional>

namespace mlp::inline MLP_ABI::detail {

/// The exponential moving average of the parameters, for a decay d:
///   average = d average + (1 - d) theta   after each step; it begins as the theta that the run begins with.
/// The network is validated with the average in place of theta, and ends with it. V is the vector of all
/// parameters.
/// Source: Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), section 7.2, there with an
/// average that begins as 0 and a correction for that.
template <class V>
class ParameterAverage {
 public:
  ParameterAverage(std::optional<double> decay, const auto& theta) : decay_(decay) {
    if (decay_) average_ = theta;
  }

  void after_step(const auto& theta) {
    if (!decay_) return;
    const auto rate = static_cast<typename V::Scalar>(1 - *decay_);
    for_each_tile(
        [=](const auto& now, auto& average) { average = multiply_add(rate, now - average, average); }, theta,
        average_);
  }

  /// Puts the average in theta's place, and theta in the average's; a second call undoes the first.
  void swap(auto&& theta) {
    if (decay_) theta.swap(average_);
  }
  void copy_to(auto&& theta) const {
    if (decay_) theta = average_;
  }

  static void each_state(auto& self, auto&& f) {
    if (self.decay_) f("average", self.average_);
  }

 private:
  std::optional<double> decay_;
  V average_;
};

}  // namespace mlp::inline MLP_ABI::detail
