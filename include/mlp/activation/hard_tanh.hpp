#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <stdexcept>
#include <string>

namespace mlp::inline MLP_ABI {

/// a = min(max(z, min_value), max_value), with derivative 0 at both bounds. NaN stays NaN.
/// Errors: std::invalid_argument if min_value is not below max_value.
/// Source: Collobert, Large Scale Machine Learning (2004).
struct HardTanh {
  static constexpr const char* name = "HardTanh";
  static constexpr bool needs_input = false;

  double min_value = -1;
  double max_value = 1;

  static void each_option(auto& self, auto&& f) {
    f("min_value", self.min_value);
    f("max_value", self.max_value);
  }

  template <class Z>
  void forward(Z& z) const {
    using S = typename Z::Scalar;
    const auto low = static_cast<S>(min_value), high = static_cast<S>(max_value);
    for (Index i = 0; i < z.size(); ++i) {  // two steps: clang does not vectorize nested conditions
      const S raised = z(i) < low ? low : z(i);
      z(i) = raised > high ? high : raised;
    }
  }

  template <class A>
  void backward(const A& a, auto& delta) const {
    using S = typename A::Scalar;
    const auto low = static_cast<S>(min_value), high = static_cast<S>(max_value);
    for (Index i = 0; i < a.size(); ++i) delta(i) = a(i) > low && a(i) < high ? delta(i) : 0;
  }

  void validate() const {
    if (!(min_value < max_value)) {
      detail::raise<std::invalid_argument>(
          {"HardTanh: expected min_value < max_value, found ", min_value, " and ", max_value});
    }
  }
};

}  // namespace mlp::inline MLP_ABI
