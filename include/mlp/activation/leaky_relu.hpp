#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/initializer/he.hpp>

namespace mlp::inline MLP_ABI {

/// a = z where z > 0, negative_slope * z elsewhere, with derivative negative_slope at 0.
/// Errors: std::invalid_argument if negative_slope is negative: the sign of a would no longer be z's.
/// Source: Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013).
struct LeakyReLU {
  static constexpr const char* name = "LeakyReLU";
  using Initializer = HeUniform;
  static constexpr bool needs_input = false;

  double negative_slope = 0.01;

  static void each_option(auto& self, auto&& f) { f("negative_slope", self.negative_slope); }

  template <class Z>
  void forward(Z& z) const {
    const auto slope = static_cast<typename Z::Scalar>(negative_slope);
    // Ahead of the choice: g++ vectorizes none between operations.
    const Z negative = slope * z;
    for (Index i = 0; i < z.size(); ++i) z(i) = z(i) > 0 ? z(i) : negative(i);
  }

  template <class A>
  void backward(const A& a, auto& delta) const {
    const auto slope = static_cast<typename A::Scalar>(negative_slope);
    for (Index i = 0; i < a.size(); ++i) delta(i) *= a(i) > 0 ? 1 : slope;
  }

  void validate() const {
    detail::check_option(negative_slope >= 0, "LeakyReLU", "negative_slope >= 0", negative_slope);
  }
};

}  // namespace mlp::inline MLP_ABI
