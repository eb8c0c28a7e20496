#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/loss/mean_over_elements.hpp>

namespace mlp::inline MLP_ABI {

/// Negative log likelihood of counts under a Poisson distribution, as torch.nn.PoissonNLLLoss: the mean over
/// all elements. The outputs are logarithms of the rates if log_input, else the rates themselves.
///   log_input:  L = 1/(K B) sum_kj ( exp(y_kj) - t_kj y_kj ),  dL/dy = (exp(y) - t) / (K B)
///   otherwise:  L = 1/(K B) sum_kj ( y_kj - t_kj log(y_kj + epsilon) ),
///               dL/dy = (1 - t / (y + epsilon)) / (K B)
/// With full, Stirling's approximation of log(t!) is added where t > 1: t log t - t + log(2 pi t) / 2. The
/// loss is infinite where the rate overflows (y > 88 in float).
/// Shapes: y K x B outputs, rates >= 0 unless log_input; t K x B counts >= 0.
/// Units:  nats per element.
/// Errors: std::invalid_argument unless epsilon > 0.
/// Predictions are the rates.
struct PoissonNLL {
  static constexpr const char* name = "PoissonNLL";
  template <class S>
  using Target = Matrix<S>;

  bool log_input = true;
  bool full = false;
  double epsilon = 1e-8;

  static void each_option(auto& self, auto&& f) {
    f("log_input", self.log_input);
    f("full", self.full);
    f("epsilon", self.epsilon);
  }

  template <class Y>
  auto value(const Y& y, const auto& t) const {
    return detail::mean(terms<typename Y::Scalar>(), y, t);
  }
  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }
  template <class Y>
  auto value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    return detail::mean_and_gradient(terms<typename Y::Scalar>(), y, t, dy);
  }

  void to_prediction(auto& y) const noexcept {
    if (log_input) for_each_tile([](auto& a) { a = elementary::exp(a); }, y);
  }

  void validate() const { detail::check_option(epsilon > 0, "PoissonNLL", "epsilon > 0", epsilon); }

 private:
  template <class S>
  auto terms() const {
    return [*this, eps = static_cast<S>(epsilon)]<class A>(const A& y, const A& t, A& dy) -> A {
      A result;
      if (log_input) {
        const A rate = elementary::exp(y);
        dy = rate - t;
        result = multiply_add(-t, y, rate);
      } else {
        const A rate = y + eps;
        dy = 1 - t / rate;
        result = multiply_add(-t, elementary::log(rate), y);
      }
      if (full) {
        const A log = elementary::log((t.max)(S(1)));
        constexpr auto half_log_2_pi = static_cast<S>(0.91893853320467274178);
        const A stirling = multiply_add(t, log, log / 2 - t) + half_log_2_pi;
        for (Index i = 0; i < t.size(); ++i) result(i) += t(i) > 1 ? stirling(i) : 0;
      }
      return result;
    };
  }
};

}  // namespace mlp::inline MLP_ABI
