#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/core/traits.hpp>
#include <mlp/dynamic/alternatives.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/gaussian_nll.hpp>
#include <mlp/loss/hinge.hpp>
#include <mlp/loss/huber.hpp>
#include <mlp/loss/mean_absolute_error.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/poisson_nll.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace mlp::inline MLP_ABI {

/// One of the library's losses, chosen at run time.
class AnyLoss {
 public:
  using Alternatives = std::variant<MeanSquaredError, MeanAbsoluteError, Huber, BinaryCrossEntropy,
                                    SoftmaxCrossEntropy, Hinge, PoissonNLL, GaussianNLL>;
  /// Labels stand for either kind of targets here: a loss that needs a matrix throws std::invalid_argument for labels.
  template <class S>
  using Target = Labels;

  template <class L>
  requires detail::is_alternative<L, Alternatives> AnyLoss(L loss) : loss_(std::move(loss)) {}

  void visit(auto&& f) const { std::visit(f, loss_); }

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    return with<typename Y::Scalar>(t, [&](const auto& loss) { return loss.value(y, t); });
  }
  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }
  template <class Y>
  typename Y::Scalar value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    return with<typename Y::Scalar>(t, [&](const auto& loss) {
      return detail::mean_loss_and_gradient(loss, y, t, detail::NoWeights{}, dy);
    });
  }
  template <class Y>
  typename Y::Scalar accuracy(const Y& y, const auto& t) const {
    return with<typename Y::Scalar>(
        t, [&](const auto& loss) { return detail::accuracy(loss, y, t, detail::NoWeights{}); });
  }
  double weight(const auto& t) const {
    return with<double>(t,
                        [&](const auto& loss) { return detail::batch_weight(loss, t, detail::NoWeights{}); });
  }
  void to_prediction(auto& y) const {
    visit([&](const auto& loss) { loss.to_prediction(y); });
  }

  Index outputs_per_target() const {
    return std::visit([](const auto& loss) { return detail::outputs_per_target(loss); }, loss_);
  }
  double threshold() const {
    return std::visit([](const auto& loss) { return detail::threshold(loss); }, loss_);
  }

  void validate() const {
    visit([](const auto& loss) { detail::validate(loss); });
  }
  void validate(Index outputs) const {
    visit([&](const auto& loss) {
      if constexpr (requires { loss.validate(outputs); }) loss.validate(outputs);
    });
  }

  /// Errors: std::invalid_argument if the text names no loss.
  static AnyLoss read(const auto& text) {
    AnyLoss result = MeanSquaredError{};
    result.loss_ = detail::read_alternative<Alternatives>(text, "a loss");
    return result;
  }

 private:
  // Calls f(loss) if the loss takes targets of type T.
  template <class R, class T>
  R with(const T&, auto&& f) const {
    return std::visit(
        [&]<class L>(const L& loss) -> R {
          if constexpr (detail::is_labels<T> && !detail::is_labels<typename L::template Target<double>>) {
            detail::raise<std::invalid_argument>(
                {L::name, ": expected targets as a matrix with a row for each output, found labels"});
          } else {
            return f(loss);
          }
        },
        loss_);
  }

  Alternatives loss_;
};

}  // namespace mlp::inline MLP_ABI
